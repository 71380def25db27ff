"""MAY THIS CALL HAPPEN, in process: the policy engine, the bundle that it reads, the audit log."""

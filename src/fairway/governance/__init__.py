"""MAY THIS CALL HAPPEN: policy sets, their validation, tests, versions and the audit log."""

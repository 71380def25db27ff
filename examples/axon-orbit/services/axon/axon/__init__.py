"""axon: reasons about a prompt and answers with a heartbeat."""

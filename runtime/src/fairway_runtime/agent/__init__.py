"""The process beside Envoy in a task: identity, files, handouts, reports; the `agent` extra."""

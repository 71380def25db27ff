"""What a service imports: signed calls, governance, logs, metrics, traces and secrets."""

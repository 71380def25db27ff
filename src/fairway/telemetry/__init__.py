"""WHAT HAPPENED: telemetry in by OTLP and from log files, kept on disk, asked for by questions."""

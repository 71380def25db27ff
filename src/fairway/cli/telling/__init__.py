"""Telemetry on a terminal: what commands ask (`filters`), and how it looks (the other modules)."""

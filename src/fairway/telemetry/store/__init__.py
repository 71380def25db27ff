"""Telemetry on disk: segments of spans, logs and metric points, and rollups of all requests.

`writing.Writer` is used by the receiver's process alone; `reading.StoredTelemetry` by anybody.
"""

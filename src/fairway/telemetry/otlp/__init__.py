"""OTLP messages as plain values and rows. Pure: bytes in, data out; the store calls it."""

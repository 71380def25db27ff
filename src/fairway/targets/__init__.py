"""WHERE it runs: one folder per target."""

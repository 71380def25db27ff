"""The control plane of shared environments: what `fairway server` runs, on one database."""

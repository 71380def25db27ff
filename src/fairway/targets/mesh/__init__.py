"""The mesh as values: what it looks like, and the files of each Envoy. Shared by all targets."""

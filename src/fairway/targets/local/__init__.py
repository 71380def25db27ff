"""Target `local`: processes and Envoy sidecars on this machine, nothing else needed."""

"""The local mesh: one Envoy per service and a gateway, configured by files."""

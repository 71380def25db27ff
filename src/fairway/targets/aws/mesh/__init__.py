"""The mesh on ECS: one Envoy in every task, configured by one document each."""

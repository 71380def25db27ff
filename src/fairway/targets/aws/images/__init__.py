"""Images of services: built and pushed by the user's own builder, referenced by digest."""

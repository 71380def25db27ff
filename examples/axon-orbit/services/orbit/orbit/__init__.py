"""orbit: dispatches prompts to axon, as far as policy allows."""

"""Who comes in: login links, sessions, and what every request and answer has to pass."""

"""Where an environment keeps what it must not forget: SQLite beside the app, or PostgreSQL."""

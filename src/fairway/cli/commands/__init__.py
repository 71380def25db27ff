"""One module per command; each has `app`, a Typer with that command (or group of commands)."""

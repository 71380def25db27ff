"""The control plane over HTTP, for the command line, the console and programs."""

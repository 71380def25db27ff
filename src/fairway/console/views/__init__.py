"""What pages show, as plain data: pure functions from answers of the ports to rows and pictures."""

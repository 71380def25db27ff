"""One call through the mesh as any identity: what to send (`plan`), and sending it (`send`)."""

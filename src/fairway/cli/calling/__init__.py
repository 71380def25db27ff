"""`fairway call` in parts: what to send (`plan`), sending (`send`), how it was decided (`hops`)."""

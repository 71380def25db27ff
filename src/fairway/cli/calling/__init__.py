"""`fairway call` and `fairway load` in parts: the body, the path of a request, a constant load."""

"""WHO answers: the running control plane, and its records while nothing runs."""

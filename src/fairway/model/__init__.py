"""WHAT the user declares: the app file as validated, frozen data. Pure: no I/O, no clock."""

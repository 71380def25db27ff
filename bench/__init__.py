"""Fairway measured against its peers, side by side in one run; see `python -m bench --help`."""

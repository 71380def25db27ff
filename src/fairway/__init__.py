"""Fairway: from one app file to a governed, observed, progressively delivered system."""

__version__ = "0.1.0"

"""The console's pages; each module has a `router` and an `ENTRY` of the navigation."""

"""Performs deployments durably: what was begun is finished, whatever crashes on the way."""

"""Terraform (or OpenTofu) as a program: found, run, and its words read."""

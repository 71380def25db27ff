"""Simulated rollouts: the traffic that they see, and the policies that judge them."""

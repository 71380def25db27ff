"""WHAT WOULD CHANGE: releases, what a target observes, and the plan between the two. Pure."""

"""What a service may do on AWS, derived from what the app file declares of it. Pure.

`derive.grants_of` and `starting_grants_of` are read by the values of the region root (they become
the statements of task role and execution role) and by `fairway explain iam`. `grant` has the
shapes and the kinds of resources.
"""

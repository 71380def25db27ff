"""What a service may do on AWS, derived from what the app file declares of it. Pure.

`derive.grants_of` is read by the values of the region root (they become the statements of its task
role) and by `fairway explain iam`. `grant` has the shapes and the kinds of resources.
"""

"""Everything that Terraform needs, as a folder of files.

`roots.rendered` has all texts: the hand-written ones (`native`), values, README; `tree.write_tree`
puts them on the disk and remembers which are ours; `packages` zips the code of Lambda functions.
"""

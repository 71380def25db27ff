"""What should be there on AWS: which versions of every service, and who gets which requests.

`state` is that as values, `steps` are the changes that a release and wishes make to it, `as_json`
its written form; all three are pure. `record` keeps it in DynamoDB, behind the fence.
"""

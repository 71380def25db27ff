"""How many requests a version got, and how they went, from what its tasks report.

`measurer.Measurer` answers the target; `reports` are the rows that agents write to DynamoDB, and
`totals` the arithmetic of counters that end with their task. The latter is pure.
"""

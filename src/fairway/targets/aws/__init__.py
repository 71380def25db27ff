"""An app on AWS: ECS on Fargate, by Terraform modules that stand on their own.

Standing (standing/)    what should be there, kept in DynamoDB, fenced
    │
    ├── values/          Standing ─▶ the values of a root module          pure
    ├── mesh/            Standing ─▶ what every Envoy of a task reads     pure
    ▼
terraform/               plans and applies `infra/roots/`, reads plans, explains errors
target.py                the contract of targets: boto3 for what changes between applies
"""

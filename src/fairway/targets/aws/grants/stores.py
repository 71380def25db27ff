"""What the stores of a service need, by their kinds. Pure; called by `derive`.

To a database or cache a service logs in with a token of IAM: there is no password to keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from fairway.model.app import App
from fairway.targets.aws.grants.grant import Grant, ResourceRef, camel
from fairway.targets.aws.grants.through import through

_ITEMS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
_OBJECTS = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")


def store_grants(app: App, region: str, service: str) -> Iterator[Grant]:
    """Permissions for every store that `service` lists, then for their encryption."""
    names = app.services[service].stores
    for name in names:
        yield from _store(app, service, name)
    kinds = {app.stores[name].kind for name in names}
    if "bucket" in kinds:
        yield through(f"s3.{region}", "StoreObjects", "its buckets are encrypted", writes=True)
    if "dynamodb" in kinds:
        yield through(f"dynamodb.{region}", "StoreItems", "its tables are encrypted")


def _store(app: App, service: str, name: str) -> Iterator[Grant]:
    sid = camel(name)
    reason = f"it lists {name} under stores"
    match app.stores[name].kind:
        case "postgres":
            user = ResourceRef("database-user", f"{name}.{service}")
            yield Grant(f"LogInTo{sid}", reason, ("rds-db:connect",), user)
        case "dynamodb":
            yield Grant(f"UseTable{sid}", reason, _ITEMS, ResourceRef("table", name))
        case "bucket":
            yield Grant(f"ListBucket{sid}", reason, ("s3:ListBucket",), ResourceRef("bucket", name))
            objects = ResourceRef("bucket-objects", name)
            yield Grant(f"UseObjects{sid}", reason, _OBJECTS, objects)
        case "valkey":
            connect, user = ("elasticache:Connect",), ResourceRef("cache-user", f"{name}.{service}")
            yield Grant(f"ConnectTo{sid}", reason, connect, ResourceRef("cache", name))
            yield Grant(f"LogOnTo{sid}", "a cache asks for the user as well", connect, user)
        case never:
            assert_never(never)

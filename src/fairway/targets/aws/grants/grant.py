"""One permission of one service, with its reason; and which resources a permission may name.

A resource is named by kind and name because its ARN is known only to Terraform: the region root
resolves `ResourceRef` in its map of ARNs, `local.arns[kind][name]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ResourceKind = Literal[
    "secret",  # service/NAME: a secret of a service
    "key",  # the key of a service; of the environment: SHARED_KEY
    "log-group",  # service: its streams
    "mesh",  # service: objects below mesh/<service>/ in the bucket of the configuration
    "handouts",  # service: objects below handouts/<service>/ there
    "identity",  # service: its alias of the function that signs certificates
    "governance",  # environment: the function that decides for programs without policies
    "telemetry",  # environment: the table that tasks report to
    "repository",  # service, or SIDECAR_REPOSITORY: container images
    "table",  # store: a DynamoDB table
    "bucket",  # store: the bucket itself
    "bucket-objects",  # store: what is in it
    "database-user",  # store.service: its user of the database, who logs in by IAM
    "cache",  # store: a cache
    "cache-user",  # store.service: its user of the cache, who logs on by IAM
    "bus",  # environment: where events are published
    "queue",  # topic.service: the events that wait for a subscriber
    "any",  # EVERYTHING: AWS knows no resource for these actions
]
"""The only kinds there are, each with the form of its names."""

SHARED = "environment"
"""Name of what belongs to no single service: the environment's key, bus and table of telemetry."""
EVERYTHING = "*"
"""Name of the resource where AWS allows naming none."""
LEFT_TO_AWS = frozenset(
    {
        "ecr:GetAuthorizationToken",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
        "cloudwatch:PutMetricData",
    }
)
"""Actions for which AWS knows no resource. Source: the tables of the Service Authorization
Reference, where their column of resource types is empty."""


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """A resource before its ARN is known."""

    kind: ResourceKind
    name: str


@dataclass(frozen=True, slots=True)
class Condition:
    """When a permission holds: an operator of IAM, a key of the request, the values allowed."""

    test: str
    variable: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement of a policy. `sid` is unique among the grants of a service.

    `reason` is half a sentence that follows "because".
    """

    sid: str
    reason: str
    actions: tuple[str, ...]
    resource: ResourceRef
    conditions: tuple[Condition, ...] = ()


def camel(name: str) -> str:
    """A name as part of a sid, which is letters and digits only: `MODEL_KEY` is `ModelKey`."""
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))

"""How things are called on AWS, known without asking Terraform or AWS. Pure.

Used by the values of the root modules, by the target (boto3), by the grants and by the mesh: each
must find what the others made. The root modules build the same names from `name`, which is
`prefix(app, environment)`; where AWS allows few characters, a digest replaces the end, so that two
long names never become one.
"""

from __future__ import annotations

import hashlib

from fairway.model.aws import LONGEST_PREFIX

GATEWAY = "gateway"
NAMESPACE = "svc.local"
"""The zone of Cloud Map, private to the network of one environment in one region."""

METRICS = "Fairway"
"""The namespace in CloudWatch of what agents measure: Requests, Errors and Latency."""

_DIGEST = 6


def short(name: str, limit: int) -> str:
    """`name`, or where it is too long its beginning with a digest: `a-long-name-3f29c1`."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: limit - _DIGEST - 1].rstrip('-')}-{digest}"


def prefix(app: str, environment: str) -> str:
    """What every name of an environment begins with: `axon-orbit-prod`."""
    return short(f"{app}-{environment}", LONGEST_PREFIX)


def cluster(app: str, environment: str) -> str:
    """The ECS cluster."""
    return prefix(app, environment)


def service_name(service: str, version: str) -> str:
    """The ECS service, task family and Cloud Map service of one version: `orbit-r7`."""
    return f"{service}-{version}"


def host(service: str, version: str) -> str:
    """Where the tasks of one version are found inside the network."""
    return f"{service_name(service, version)}.{NAMESPACE}"


def target_group(app: str, environment: str, service: str, slot: str) -> str:
    """The target group of a slot: 32 characters at most."""
    return short(f"{prefix(app, environment)}-{service}-{slot}", 32)


def load_balancer(app: str, environment: str, side: str) -> str:
    """The load balancer for the `public` or the `internal` side: 32 characters at most."""
    return short(f"{prefix(app, environment)}-{side}", 32)


def role(app: str, environment: str, thing: str, region: str) -> str:
    """An IAM role; IAM knows no regions, so the name says which: 64 characters at most."""
    return short(f"{prefix(app, environment)}-{thing}-{region}", 64)


def bucket(app: str, environment: str, thing: str, account: str, region: str) -> str:
    """A bucket; their names are unique in the world: 63 characters at most."""
    tail = f"-{account}-{region}"
    return short(f"{prefix(app, environment)}-{thing}", 63 - len(tail)) + tail


def config_bucket(app: str, environment: str, account: str, region: str) -> str:
    """The bucket that every Envoy and every task reads its files from."""
    return bucket(app, environment, "config", account, region)


def telemetry_table(app: str, environment: str) -> str:
    """The DynamoDB table with what every Envoy reports."""
    return f"telemetry-{prefix(app, environment)}"


def policy_table(app: str, environment: str) -> str:
    """The DynamoDB table that the decision function reads policies from, in every region."""
    return f"{prefix(app, environment)}-governance-policy-sets"


def standing_table(app: str, environment: str) -> str:
    """The DynamoDB table with what should be there."""
    return f"{prefix(app, environment)}-fairway"


def secret(app: str, environment: str, service: str, name: str) -> str:
    """The secret of a service in Secrets Manager: `axon-orbit-prod/axon/AXON_MODEL_KEY`."""
    return f"{prefix(app, environment)}/{service}/{name}"


SIDECAR_REPOSITORY = "fairway-sidecar"
"""The repository of the sidecar's image, by the environment's prefix as all of them."""
SIGNING_SECRET = "identity"  # noqa: S105 - a name
"""The secret of a service with the keys by which it signs and verifies calls."""


def repository(app: str, environment: str, service: str) -> str:
    """The repository of a service's images: `axon-orbit-prod/axon`."""
    return f"{prefix(app, environment)}/{service}"


def bus(app: str, environment: str) -> str:
    """The EventBridge bus of the app's topics."""
    return prefix(app, environment)


def event_source(app: str, environment: str, service: str) -> str:
    """As whom a service puts events on the bus: `shop-prod.cart`. Rules admit only publishers."""
    return f"{prefix(app, environment)}.{service}"


def state_bucket(app: str, environment: str, account: str, region: str) -> str:
    """The bucket of Terraform's state, in the region that leads."""
    return bucket(app, environment, "state", account, region)


def state_key(root: str, region: str = "") -> str:
    """Where the state of a root lies in that bucket: `regions/eu-central-1/terraform.tfstate`."""
    folder = f"regions/{region}" if root == "region" else root
    return f"{folder}/terraform.tfstate"

"""Names that an environment on AWS has for itself, or that AWS finds too long.

On AWS everything is named `<app>-<environment>-<name>`, whoever declared it, and one account holds
one thing of a name: a service `server` would take the role and the key of the control plane. The
names are those that `infra/` gives; `tests/unit/aws/test_roots_names.py` compares. Names of stores
follow that of the app and its environment, within what AWS allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.model.app import App
from fairway.model.aws import LONGEST_PREFIX
from fairway.model.check.subject import Finding, Subject
from fairway.model.environments import Environment

SERVICES: Mapping[str, str] = {
    "backup": "the key of its backups",
    "endpoints": "its security group of AWS's endpoints",
    "environment": "the key of what belongs to no service alone",
    "fairway": "the image of the control plane",
    "fairway-sidecar": "the image of the sidecar",
    "functions": "the security group of its functions",
    "identity": "the key that signs certificates",
    "images": "the key of its registry",
    "internal-lb": "the security group of its internal load balancer",
    "public-lb": "the security group of its public load balancer",
    "server": "the control plane",
    "site-logs": "the logs of its static sites",
    "sites": "the key of its static sites",
    "state": "the key of Terraform's state",
}
"""What each name belongs to. `gateway` is taken on every target: see `identities`."""
STORES: Mapping[str, Mapping[str, str]] = {
    "bucket": {
        "config": "what tasks are told",
        "log-archive": "the archive of logs",
        "logs": "logs of access",
        "server-logs": "logs of the control plane",
        "state": "Terraform's state",
        "state-logs": "the log of access to the state",
    },
    "dynamodb": {
        "fairway": "the record of deployments",
        "governance-audit": "the audit of decisions",
        "governance-policy-sets": "the policies that decide",
    },
    "postgres": {"server": "the control plane's database"},
    "valkey": {},
}
"""Likewise of stores, by kind."""
TOPICS: Mapping[str, str] = {"alarms": "the alarms of the environment"}

LONGEST: Mapping[str, int] = {"bucket": 63, "dynamodb": 255, "postgres": 50, "valkey": 40}
"""Characters of a store's name on AWS, by kind; modules of databases and caches say the same."""
_ACCOUNT = "-123456789012"


def check_aws_names(subject: Subject) -> Iterator[Finding]:
    """Judged once, from the app as declared, when an environment is on ECS."""
    on_aws = any(it.target == "aws-ecs" for it in subject.app.environments.values())
    if subject.environment is not None or not on_aws:
        return
    for service in sorted(subject.names("services")):
        if service in SERVICES:
            yield _taken("services", service, SERVICES[service])
        store = service.removeprefix("store-")
        if store != service and store in subject.names("stores"):
            yield _taken("services", service, f"the security group of the store '{store}'")
    for name, declared in sorted(subject.app.stores.items()):
        if name in STORES[declared.kind]:
            yield _taken("stores", name, STORES[declared.kind][name])
    for topic in sorted(subject.names("topics")):
        if topic in TOPICS:
            yield _taken("topics", topic, TOPICS[topic])
    for name in sorted(subject.app.stores):
        yield from _too_long(subject.app, name)


def _too_long(app: App, store: str) -> Iterator[Finding]:
    kind = app.stores[store].kind
    left = LONGEST[kind] - max(
        _beside(app.app, name, declared, kind)
        for name, declared in app.environments.items()
        if declared.target == "aws-ecs"
    )
    if len(store) > left:
        yield Finding(
            ("stores", store),
            "name-too-long",
            f"it has {len(store)} characters; AWS leaves {left} for a {kind} store of this app",
            "choose a shorter name",
            at_key=True,
        )


def _beside(app: str, environment: str, declared: Environment, kind: str) -> int:
    """Characters of a store's name on AWS that are not the store's."""
    before = min(len(f"{app}-{environment}"), LONGEST_PREFIX) + 1
    if kind != "bucket":
        return before
    return before + len(_ACCOUNT) + 1 + max((len(each) for each in declared.regions), default=0)


def _taken(key: str, name: str, owner: str) -> Finding:
    return Finding(
        (key, name),
        "reserved-name",
        f"on AWS the name '{name}' is that of {owner}",
        f"choose another name, such as 'app-{name}'",
        at_key=True,
    )

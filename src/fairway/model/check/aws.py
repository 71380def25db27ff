"""Environments on AWS: regions, domain, addresses, and names of what exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Any

from fairway.model.aws import Aws, AwsStore
from fairway.model.check.subject import Finding, Subject, repeated, unknown_service
from fairway.model.environments import Environment
from fairway.model.names import did_you_mean
from fairway.model.places import Path
from fairway.model.services import PublicRoute

TARGETS = frozenset({"aws-ecs", "aws-lambda"})
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d", re.ASCII)
_KNOWN = frozenset(
    f"{area}-{number}"
    for area, numbers in {
        "af-south": "1",
        "ap-east": "12",
        "ap-northeast": "123",
        "ap-south": "12",
        "ap-southeast": "1234567",
        "ca-central": "1",
        "ca-west": "1",
        "eu-central": "12",
        "eu-north": "1",
        "eu-south": "12",
        "eu-west": "123",
        "il-central": "1",
        "me-central": "1",
        "me-south": "1",
        "mx-central": "1",
        "sa-east": "1",
        "us-east": "12",
        "us-west": "12",
    }.items()
    for number in numbers
)
"""Commercial regions; another only gets a warning, since AWS adds some every year.

From docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html.
"""
_CLASSES = {"postgres": "db", "valkey": "cache"}
"""Stores that run on instances, and how the names of their instance classes begin."""
_ANSWERING = 2
"""Regions that DNS chooses between: the first, and the one that answers when it does not."""

_MOST = 3
"""Regions for which `infra/roots/registry` has a provider: Terraform wants them written out."""


def check_aws(subject: Subject) -> Iterator[Finding]:
    """Judged once, from the app as declared."""
    if subject.environment is not None:
        return
    for name, environment in subject.app.environments.items():
        path = ("environments", name)
        if environment.target not in TARGETS:
            yield from _unused(environment, path)
        elif environment.target == "aws-ecs":
            yield from _regions(environment, path)
            yield from _network(environment, path)
            yield from _domain(subject, environment, path)
            yield from _outside(subject, environment.aws, (*path, "aws", "outside_mesh"))
            yield from _mirror(subject, environment, (*path, "strategy", "canary", "mirror"))
            yield from _stores(subject, environment, (*path, "aws", "stores"))


def _unused(environment: Environment, path: Path) -> Iterator[Finding]:
    if environment.aws != Aws():
        yield Finding(
            (*path, "aws"),
            "aws-unused",
            f"'aws' has no effect on an environment with target: {environment.target}",
            "remove it, or use target: aws-ecs",
            at_key=True,
            warning=True,
        )


def _regions(environment: Environment, path: Path) -> Iterator[Finding]:
    if not environment.regions:
        yield Finding(
            path,
            "no-region",
            "an environment on AWS needs a region",
            "add 'regions: [eu-central-1]'; the first one leads",
            at_key=True,
        )
    for index, region in enumerate(environment.regions):
        if _REGION.fullmatch(region) is None:
            yield Finding(
                (*path, "regions", index),
                "region-form",
                f"'{region}' is not the name of a region of AWS",
                "write it like this: eu-central-1",
            )
        elif region not in _KNOWN:
            yield Finding(
                (*path, "regions", index),
                "unknown-region",
                f"'{region}' is no region of AWS that this version of Fairway knows",
                did_you_mean(region, _KNOWN, "check its name; a region that is newer works"),
                warning=True,
            )
    if len(environment.regions) > _MOST:
        yield Finding(
            (*path, "regions", _MOST),
            "too-many-regions",
            f"an environment is in {_MOST} regions at most: images are copied to so many",
            "remove one, or make another environment",
        )
    if len(environment.regions) > _ANSWERING:
        yield Finding(
            (*path, "regions", _ANSWERING),
            "region-without-traffic",
            f"only the first two regions answer to the domain; {environment.regions[_ANSWERING]} "
            "runs without requests",
            "remove it, or send requests there yourself",
            warning=True,
        )


def _network(environment: Environment, path: Path) -> Iterator[Finding]:
    at = (*path, "aws", "network", "cidr")
    cidr = environment.aws.network.cidr
    try:
        block = IPv4Network(cidr)
    except (AddressValueError, NetmaskValueError, ValueError):
        yield Finding(
            at,
            "no-network",
            f"{cidr} is no block of addresses: its address is not the first one of a block",
            "write the first address of the block: 10.0.0.0/16",
        )
        return
    last = int(block.network_address) + max(1, len(environment.regions)) * block.num_addresses - 1
    if not block.is_private or not IPv4Network((min(last, 2**32 - 1), 32)).is_private:
        yield Finding(
            at,
            "public-addresses",
            f"{cidr}, with a block for each region after it, leaves the private addresses",
            "choose one from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        )


def _domain(subject: Subject, environment: Environment, path: Path) -> Iterator[Finding]:
    domain = environment.aws.domain
    if domain is None and not subject.certain(*path, "aws"):
        return  # It may be what was misspelt there.
    if domain is None:
        yield from _no_domain(subject, environment, path)
        return
    for service in subject.app.services.values():
        for route in service.public:
            if route.host is not None and not _below(route, domain):
                yield Finding(
                    (*path, "aws", "domain"),
                    "host-outside-domain",
                    f"the public host '{route.host}' is not below the domain '{domain}', "
                    "so its certificate does not cover it",
                    "use a host of the domain, one label below it at most",
                )
    zone = environment.aws.hosted_zone
    if zone is not None and domain != zone and not domain.endswith(f".{zone}"):
        yield Finding(
            (*path, "aws", "hosted_zone"),
            "zone-of-domain",
            f"the domain '{domain}' is not in the zone '{zone}'",
            "name the zone that the domain ends with",
        )


def _no_domain(subject: Subject, environment: Environment, path: Path) -> Iterator[Finding]:
    public = sorted(name for name in subject.app.services if _is_public(subject, environment, name))
    if public:
        yield Finding(
            (*path, "aws"),
            "no-domain",
            f"'{public[0]}' is public, and nothing is served to the public without TLS, "
            "which needs a domain",
            "add 'aws: {domain: shop.example.com}'; its zone must be in Route 53",
            at_key=True,
        )
    divided = sorted(set(environment.aws.outside_mesh) & set(subject.app.services))
    called = [name for name in divided if _is_called(subject, name)]
    if called and not public:
        yield Finding(
            (*path, "aws", "outside_mesh"),
            "no-domain",
            f"calls to '{called[0]}' outside the mesh go through a load balancer, whose "
            "certificate needs a domain",
            "add 'domain: shop.example.com' beside it; its zone must be in Route 53",
            at_key=True,
        )


def _is_public(subject: Subject, environment: Environment, name: str) -> bool:
    declared: Any = subject.app.services[name].public
    return bool(environment.overrides.get(name, {}).get("public", declared))


def _is_called(subject: Subject, name: str) -> bool:
    return any(name in service.calls for service in subject.app.services.values())


def _below(route: PublicRoute, domain: str) -> bool:
    """Whether a certificate for the domain and `*.` below it covers the route's host."""
    host = route.host or domain
    return host == domain or host.partition(".")[2] == domain


def _outside(subject: Subject, aws: Aws, path: Path) -> Iterator[Finding]:
    known = subject.names("services")
    yield from repeated(aws.outside_mesh, path, "service")
    for index, name in enumerate(aws.outside_mesh):
        service = subject.app.services.get(name)
        if name not in known:
            yield unknown_service(name, known, (*path, index))
        elif service is not None and service.kind == "static":
            yield Finding(
                (*path, index),
                "static-outside-mesh",
                f"'{name}' is a static site: it has no sidecar anyway",
                "remove it from the list",
            )
        elif service is not None:
            inside = sorted(set(service.calls) - set(aws.outside_mesh))
            if inside:
                yield Finding(
                    (*path, index),
                    "no-identity",
                    f"'{name}' is outside the mesh and calls '{inside[0]}' in it, where it has no "
                    "identity",
                    f"remove '{name}' from the list, or add '{inside[0]}' to it",
                )


def _mirror(subject: Subject, environment: Environment, path: Path) -> Iterator[Finding]:
    canary, services = environment.strategy.canary, subject.app.services
    if canary is None or not canary.mirror:
        return
    outside = sorted(set(environment.aws.outside_mesh) & services.keys())
    divided = [n for n in outside if services[n].serves and services[n].kind != "static"]
    if divided:
        yield Finding(
            path,
            "mirror-outside-mesh",
            f"a load balancer divides the requests of '{divided[0]}' and copies none of them",
            f"remove 'mirror', or remove '{divided[0]}' from 'aws.outside_mesh'",
        )


def _stores(subject: Subject, environment: Environment, path: Path) -> Iterator[Finding]:
    known = subject.names("stores")
    for name, settings in environment.aws.stores.items():
        if name not in known:
            yield Finding(
                (*path, name),
                "unknown-store",
                f"the store '{name}' is not declared",
                did_you_mean(name, known, "declare it under stores"),
                at_key=True,
            )
            continue
        if settings.replica and len(environment.regions) < _ANSWERING:
            yield Finding(
                (*path, name, "replica"),
                "replica-without-region",
                f"the copy of '{name}' needs a second region",
                "add one to 'regions', or remove 'replica'",
            )
        if name in subject.app.stores:
            yield from _sizes(subject.app.stores[name].kind, settings, (*path, name))
    yield from _apart(subject, environment, path)


def _sizes(kind: str, settings: AwsStore, path: Path) -> Iterator[Finding]:
    """What is said about a store goes with its kind."""
    family = _CLASSES.get(kind)
    for key in sorted(settings.model_fields_set & _ONLY_FOR.keys()):
        if kind not in _ONLY_FOR[key]:
            yield Finding(
                (*path, key),
                "store-setting-unused",
                f"a store of the kind {kind} has no '{key}'",
                "remove it",
                at_key=True,
            )
    instance = settings.instance
    if family and instance is not None and not instance.startswith(f"{family}."):
        yield Finding(
            (*path, "instance"),
            "instance-class",
            f"'{instance}' is no instance class of a store of the kind {kind}",
            f"use one that begins with '{family}.': {family}.t4g.small",
        )


_ONLY_FOR = {"instance": frozenset(_CLASSES), "replica": frozenset({"postgres"})}
"""Settings that only some kinds of stores have."""


def _apart(subject: Subject, environment: Environment, path: Path) -> Iterator[Finding]:
    """Stores of which every region has its own, with other data in it; a cache may be empty."""
    if len(environment.regions) < _ANSWERING:
        return
    for name, store in subject.app.stores.items():
        settings = environment.aws.stores.get(name)
        if store.kind != "valkey" and not (settings and settings.replica):
            copied = f"add 'aws: {{stores: {{{name}: {{replica: true}}}}}}', or use one region"
            yield Finding(
                (*path, name) if settings else path[:-2],
                "store-in-each-region",
                f"each region has a store '{name}' of its own, empty at first: what is written in "
                "one is not in the other",
                copied if store.kind == "postgres" else "use one region, or copy what it holds",
                at_key=True,
                warning=True,
            )

"""What `eject` takes along beside Terraform: the documents that tasks are told.

They lie under `config/<region>/` as they lie in the buckets `config`: read from there, so that the
policies and weights in force go along, or worked out where nothing was deployed yet. What a bucket
lacks is an error: tasks without it would not start, and nobody would know why.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from fairway.cli.invocation import Invocation
from fairway.cli.place import workspace_of
from fairway.cli.policies import check_policies
from fairway.errors import NotFound, Unavailable
from fairway.governance.access import compile_access
from fairway.governance.bundle import build_bundle
from fairway.targets.aws.clients import Clients, telling
from fairway.targets.aws.identity.authority import CERTIFICATE
from fairway.targets.aws.mesh.documents import documents_of, handouts_key, mesh_key
from fairway.targets.aws.mesh.views import Ground, Views
from fairway.targets.aws.place import Place
from fairway.targets.aws.ports import Rules
from fairway.targets.aws.rendering import roots
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.aws.values.place import FIRST
from fairway.targets.mesh.view import GATEWAY

_PREFIXES = ("mesh/", "handouts/", CERTIFICATE)


def place_of(standing: Standing) -> Place:
    """Where the environment is; its clients are made once, so it is handed on."""
    app, regions = standing.model, roots.regions(standing)
    owner = app.environments[standing.environment].aws.account
    return Place(app.app, standing.environment, regions[0], Clients(), time.time, owner)


def with_account(standing: Standing, place: Place) -> Standing:
    """With the account that the credentials belong to, which every `backend.hcl` names."""
    environments = standing.app["environments"]
    its = environments[standing.environment]
    aws = {**its.get("aws", {}), "account": place.require_account()}
    changed = {**environments, standing.environment: {**its, "aws": aws}}
    return replace(standing, app={**standing.app, "environments": changed})


def published(standing: Standing, place: Place) -> dict[str, str]:
    """All documents of all regions as they are in the buckets.

    Unavailable where one is missing: a deployment is under way, or did not end.
    """
    needed = _needed(standing)
    found: dict[str, str] = {}
    for region in roots.regions(standing):
        objects = _objects(place, region)
        missing = sorted(needed - objects.keys())
        if missing:
            raise _incomplete(place, region, missing, len(needed))
        found |= {f"config/{region}/{key}": text for key, text in objects.items()}
    return found


def computed(invocation: Invocation, standing: Standing) -> dict[str, str]:
    """All documents by the policies beside the app file; asks nobody."""
    checked = check_policies(workspace_of(invocation), standing.environment)
    app, version = standing.model, max(1, standing.policy_set)
    rules = Rules(
        build_bundle(app, standing.environment, version, checked.text),
        compile_access(app, checked.text),
    )
    complete = standing if standing.services else _first(standing)
    return {
        f"config/{region}/{document.key}": document.text
        for region in roots.regions(standing)
        for document in documents_of(complete, region, rules)
    }


def _needed(standing: Standing) -> frozenset[str]:
    """The keys without which a task does not start."""
    views = Views(standing, _Nobody(), Ground())
    versions = [
        (name, version.name)
        for name in views.services
        for version in standing.services.get(name, ())
    ]
    whose = [*versions, *([(GATEWAY, "")] if views.has_gateway else [])]
    documents = {mesh_key(*each) for each in whose} | {handouts_key(*each) for each in versions}
    return frozenset(documents | {CERTIFICATE} if documents else ())


class _Nobody:
    """Who may call whom is not asked: only which Envoys there are."""

    def principals(self, service: str, intent: str) -> Collection[str]:  # noqa: ARG002
        return ()


def _incomplete(place: Place, region: str, missing: list[str], needed: int) -> Unavailable:
    environment = place.environment
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return Unavailable(
        "not-published",
        f"{len(missing)} of the {needed} documents that tasks in {region} are told are missing: "
        f"{missing[0]}{more}; a deployment is under way, or did not end",
        where=f"s3://{place.config_bucket(region)}",
        remedy=f"wait for it, or finish it: fairway deploy {environment}; or --offline, by the app "
        "file alone",
    )


def _first(standing: Standing) -> Standing:
    """With the versions that `services.auto.tfvars` names before the first deployment."""
    services = {}
    for name, service in standing.model.services.items():
        declared = service.model_dump(mode="json", by_alias=True, exclude_none=True)
        version = StandingVersion(
            FIRST, declared, service.image or "", "", service.desired_replicas, 100
        )
        services[name] = (version,)
    return replace(standing, services=services)


def _objects(place: Place, region: str) -> dict[str, str]:
    bucket, client = place.config_bucket(region), place.clients.of("s3", region)
    found: dict[str, str] = {}
    try:
        with telling("read what tasks are told", where=bucket):
            pages = client.get_paginator("list_objects_v2")
            for prefix in _PREFIXES:
                for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                    for each in page.get("Contents", ()):
                        answer = client.get_object(Bucket=bucket, Key=each["Key"])
                        found[each["Key"]] = answer["Body"].read().decode()
    except NotFound:
        return {}
    return found

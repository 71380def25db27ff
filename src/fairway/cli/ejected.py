"""What `eject` takes along beside Terraform: the documents that tasks are told.

They lie under `config/<region>/` as they lie in the buckets `config`: read from there, so that the
policies and weights in force go along, or worked out where nothing was published yet.
"""

from __future__ import annotations

import time
from dataclasses import replace

from fairway.cli.invocation import Invocation
from fairway.cli.place import workspace_of
from fairway.cli.policies import check_policies
from fairway.errors import NotFound
from fairway.governance.access import compile_access
from fairway.governance.bundle import build_bundle
from fairway.targets.aws import rendering
from fairway.targets.aws.clients import Clients, telling
from fairway.targets.aws.identity.authority import CERTIFICATE
from fairway.targets.aws.mesh.documents import documents_of
from fairway.targets.aws.place import Place
from fairway.targets.aws.ports import Rules
from fairway.targets.aws.standing import Standing, StandingVersion
from fairway.targets.aws.values.place import FIRST

_PREFIXES = ("mesh/", "handouts/", CERTIFICATE)


def place_of(standing: Standing) -> Place:
    """Where the environment is."""
    app, regions = standing.model, rendering.regions(standing)
    owner = app.environments[standing.environment].aws.account
    return Place(app.app, standing.environment, regions[0], Clients(), time.time, owner)


def published(standing: Standing) -> dict[str, str]:
    """All documents of all regions as they are in the buckets; Unavailable and others of AWS."""
    place = place_of(standing)
    return {
        f"config/{region}/{key}": text
        for region in rendering.regions(standing)
        for key, text in _objects(place, region).items()
    }


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
        for region in rendering.regions(standing)
        for document in documents_of(complete, region, rules)
    }


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

"""data.auto.tfvars: stores and topics. Pure.

`Standing.stores` are all stores that ever were: one that a release stops naming keeps its data, and
stays here until it is removed by hand.
"""

from __future__ import annotations

from fairway.model.app import Store, Topic
from fairway.model.aws import AwsStore
from fairway.targets.aws.values.hcl import Assign, Note, Value
from fairway.targets.aws.values.place import Place

_DAY = 86400


_VARIABLES = {
    "postgres": "databases",
    "valkey": "caches",
    "bucket": "buckets",
    "dynamodb": "tables",
}
"""The variable of the root module for each kind of store."""


def data(place: Place) -> tuple[Assign, ...]:
    """A variable for each kind of store, and `topics`; none of them where there is nothing."""
    found = {variable: _stores(place, kind) for kind, variable in _VARIABLES.items()}
    found["topics"] = {
        name: _topic(place, name, topic) for name, topic in sorted(place.app.topics.items())
    }
    there = {variable: value for variable, value in found.items() if value}
    return tuple(
        Assign(variable, value, apart=number > 0)
        for number, (variable, value) in enumerate(there.items())
    )


def _stores(place: Place, kind: str) -> dict[str, Value]:
    former = {
        name: Store.model_validate(declared) for name, declared in place.standing.stores.items()
    }
    declared = place.app.stores
    return {
        name: _store(place, name, store)
        if name in declared
        else Note(_store(place, name, store), "no longer in the app file; its data is kept")
        for name, store in sorted({**former, **declared}.items())
        if store.kind == kind
    }


def _store(place: Place, name: str, store: Store) -> Value:
    settings = place.environment.aws.stores.get(name, AwsStore.model_validate({}))
    version = {} if store.version is None else {"engine_version": store.version}
    match store.kind:
        case "postgres":
            return version | _database(place, settings)
        case "valkey":
            return version | _cache(settings)
        case "bucket" | "dynamodb":
            return {}


def _database(place: Place, settings: AwsStore) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if settings.instance is not None:
        found["instance_class"] = settings.instance
    if settings.storage != AwsStore.model_fields["storage"].default:
        found["storage_gib"] = -(-settings.storage // 2**30)
    if not settings.multi_az:
        found["multi_az"] = False
    if settings.backups != AwsStore.model_fields["backups"].default:
        found["backup_days"] = round(settings.backups / _DAY)
    if settings.replica and place.role == "secondary":
        found["replica_of"] = place.lead
    elif settings.replica and place.role == "primary":
        found["replicated"] = True
    return found


def _cache(settings: AwsStore) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if settings.instance is not None:
        found["node_type"] = settings.instance
    if not settings.multi_az:
        found["multi_az"] = False
    return found


def _topic(place: Place, name: str, topic: Topic) -> Value:
    services = sorted(place.app.services.items())
    return {
        "retention_seconds": round(topic.retention),
        "publishers": [service for service, it in services if name in it.publishes],
        "subscribers": [service for service, it in services if name in it.subscribes],
    }

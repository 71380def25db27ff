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


def data(place: Place) -> tuple[Assign, ...]:
    """The variables `stores` and `topics`; none of them where there is nothing."""
    stores = _stores(place)
    topics = {name: _topic(place, name, topic) for name, topic in sorted(place.app.topics.items())}
    return (
        *([Assign("stores", stores)] if stores else []),
        *([Assign("topics", topics, apart=True)] if topics else []),
    )


def _stores(place: Place) -> dict[str, Value]:
    former = {
        name: Store.model_validate(declared) for name, declared in place.standing.stores.items()
    }
    declared = place.app.stores
    return {
        name: _store(place, name, store)
        if name in declared
        else Note(_store(place, name, store), "no longer in the app file; its data is kept")
        for name, store in sorted({**former, **declared}.items())
    }


def _store(place: Place, name: str, store: Store) -> Value:
    found: dict[str, Value] = {"kind": store.kind}
    if store.version is not None:
        found["engine_version"] = store.version
    settings = place.environment.aws.stores.get(name, AwsStore.model_validate({}))
    match store.kind:
        case "postgres":
            return found | _database(place, settings)
        case "valkey":
            return found | _cache(settings)
        case "bucket" | "dynamodb":
            return found


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

"""Where data lies and moves: databases, caches, tables, buckets, queues, topics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.targets.aws.cost.items import Context, Item, Pricer
from fairway.targets.aws.cost.planned import Resource
from fairway.targets.aws.cost.usage import HOURS


def _database(resource: Resource, context: Context) -> Iterator[Item]:
    values = resource.values
    copies = 2 if values.get("multi_az") else 1
    instance = str(values.get("instance_class"))
    what = f"{copies} x {instance}"
    yield Item(what, HOURS * copies, f"database:{instance}")
    storage = float(values.get("allocated_storage") or context.disks.get(resource.subject, 0))
    if not storage:
        yield Item("storage of unknown size", 0, "database-storage of unknown size")
        return
    yield Item(f"{copies} x {storage:g} GB", storage * copies, "database-storage")


def _cache(resource: Resource, _context: Context) -> Iterator[Item]:
    node = str(resource.values.get("node_type"))
    groups = int(resource.values.get("num_node_groups") or 1)
    replicas = int(resource.values.get("replicas_per_node_group") or 0)
    nodes = int(resource.values.get("num_cache_clusters") or groups * (1 + replicas))
    yield Item(f"{nodes} x {node}", HOURS * nodes, f"cache:{node}")


def _table(resource: Resource, context: Context) -> Iterator[Item]:
    usage, subject = context.usage, resource.subject
    for key, price in (("writes", "table-write"), ("reads", "table-read")):
        if count := usage.of(subject, key):
            yield Item(key, count / 1e6, price, assumed=True)
    if stored := usage.gigabytes(subject, "storage"):
        yield Item("storage", stored, "table-storage", assumed=True)


def _bucket(resource: Resource, context: Context) -> Iterator[Item]:
    usage, subject = context.usage, resource.subject
    if stored := usage.gigabytes(subject, "storage"):
        yield Item("storage", stored, "bucket-storage", assumed=True)
    for key, price in (("writes", "bucket-write"), ("reads", "bucket-read")):
        if count := usage.of(subject, key):
            yield Item(key, count / 1e3, price, assumed=True)


def _topic(resource: Resource, context: Context) -> Iterator[Item]:
    if events := context.usage.of(resource.subject, "events"):
        yield Item("events", events / 1e6, "topic-publication", assumed=True)
        if context.beside(resource, "aws_cloudwatch_event_bus"):
            yield Item("events on the bus", events / 1e6, "bus-event", assumed=True)


def _queue(resource: Resource, context: Context) -> Iterator[Item]:
    """An event is sent, received and deleted: three requests. Dead letters are few."""
    events = context.usage.of(resource.subject, "events")
    if events and not resource.name.startswith("dead"):
        yield Item("requests for events", 3 * events / 1e6, "queue-request", assumed=True)


DATA: Mapping[str, Pricer] = {
    "aws_db_instance": _database,
    "aws_elasticache_replication_group": _cache,
    "aws_dynamodb_table": _table,
    "aws_s3_bucket": _bucket,
    "aws_sns_topic": _topic,
    "aws_sqs_queue": _queue,
}

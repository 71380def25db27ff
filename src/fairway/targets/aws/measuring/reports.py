"""What the agents of tasks report: which files are in force, and running totals of requests.

Rows of the telemetry table of each region, one for each task:

    pk, sk             `<service>#<version>` (the gateway's version is empty), the id of the task
    mesh_version       the digest of the document of the mesh that is in force
    handouts_version   likewise of the policies, flags and settings
    at                 when it reported, in Unix seconds
    totals             JSON: see `fairway.targets.aws.measuring.totals`
    ttl                when DynamoDB may forget the row

Two more kinds of rows are the target's own: see `measurer.py`. Methods block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fairway.errors import Conflict, NotFound
from fairway.targets.aws.clients import telling
from fairway.targets.aws.place import Place
from fairway.targets.aws.standing.state import Key

_AT_ONCE = 16
FOLDED_AT_ONCE = 90
"""How many rows become a part of another at once: DynamoDB takes 100 in a transaction."""
OWN = "#"
"""How the sort keys of the target's own rows begin; no task is called so."""


@dataclass(frozen=True, slots=True)
class Report:
    """One row. `until` and `revision` belong to the target's own rows."""

    task: str
    at: float
    totals: str
    mesh_version: str = ""
    handouts_version: str = ""
    until: float = 0.0
    revision: int = 0


class Reports:
    """Reads the rows of the agents, and keeps the target's own."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def of(self, region: str, keys: Iterable[Key]) -> dict[Key, tuple[Report, ...]]:
        """The rows of versions; none without a table."""
        wanted = tuple(keys)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda key: self._query(region, key), wanted)
            return dict(zip(wanted, found, strict=True))

    def keep(self, region: str, key: Key, row: Report, folded: Iterable[Report] = ()) -> bool:
        """Keep an own row, and forget those it is the sum of; False when somebody was faster.

        These are `FOLDED_AT_ONCE` at most.
        """
        table = self._place.telemetry_table
        put = {"Put": {"TableName": table, **_own_row(key, row)}}
        gone = [_deletion(table, key, each) for each in folded]
        try:
            with telling("keep totals", where=table):
                self._place.clients.of("dynamodb", region).transact_write_items(
                    TransactItems=[put, *gone]
                )
        except Conflict:
            return False
        return True

    def _query(self, region: str, key: Key) -> tuple[Report, ...]:
        table = self._place.telemetry_table
        pages = self._place.clients.of("dynamodb", region).get_paginator("query")
        try:
            with telling("read what agents report", where=table):
                return tuple(
                    _report(item)
                    for page in pages.paginate(
                        TableName=table,
                        KeyConditionExpression="pk = :pk",
                        ExpressionAttributeValues={":pk": {"S": partition(key)}},
                        ConsistentRead=True,
                    )
                    for item in page["Items"]
                )
        except NotFound:
            return ()


def partition(key: Key) -> str:
    """The partition of a version's rows."""
    service, version = key
    return f"{service}#{version}"


def late(reports: Iterable[Report], tasks: Iterable[str], kind: str, digest: str) -> set[str]:
    """Of these tasks those that have reported something, and not this digest: they are late.

    A task that has never reported serves nobody yet; it begins with the newest files.
    """
    running = set(tasks)
    return {
        each.task
        for each in reports
        if each.task in running
        and (each.mesh_version if kind == "mesh" else each.handouts_version) != digest
    }


def _report(item: Mapping[str, Any]) -> Report:
    def text(name: str) -> str:
        return str(item.get(name, {}).get("S", ""))

    def number(name: str) -> float:
        return float(item.get(name, {}).get("N", 0))

    return Report(
        task=text("sk"),
        at=number("at"),
        totals=text("totals"),
        mesh_version=text("mesh_version"),
        handouts_version=text("handouts_version"),
        until=number("until"),
        revision=int(number("revision")),
    )


def _own_row(key: Key, row: Report) -> dict[str, Any]:
    """One more revision than the row that it replaces."""
    return {
        "Item": {
            "pk": {"S": partition(key)},
            "sk": {"S": row.task},
            "at": {"N": str(row.at)},
            "totals": {"S": row.totals},
            "until": {"N": str(row.until)},
            "revision": {"N": str(row.revision)},
        },
        "ConditionExpression": "attribute_not_exists(revision) OR revision = :before",
        "ExpressionAttributeValues": {":before": {"N": str(row.revision - 1)}},
    }


def _deletion(table: str, key: Key, row: Report) -> dict[str, Any]:
    """Unless it has reported once more."""
    return {
        "Delete": {
            "TableName": table,
            "Key": {"pk": {"S": partition(key)}, "sk": {"S": row.task}},
            "ConditionExpression": "totals = :totals",
            "ExpressionAttributeValues": {":totals": {"S": row.totals}},
        }
    }

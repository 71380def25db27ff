"""What should be there, kept in DynamoDB, and the fence before it.

`AwsTarget` reads and changes it, in the region that leads. One item for the environment:

    environment   the key
    token         the largest token of a lease that was seen; a smaller one is refused
    engines       who ever had a lease, as Terraform names them in its locks: user@host
    version       grows with every change: two writers never overwrite one another
    document      the `Standing` as compressed JSON

Compressed, 200 services take a few dozen kB of the 400 kB that an item may have; the document is
part of the item, so that it is never there without its version.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fairway.errors import Conflict, InvalidInput, NotFound
from fairway.targets.aws.clients import asked, code_of, telling
from fairway.targets.aws.place import Place
from fairway.targets.aws.standing.as_json import from_json, to_json
from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.terraform.process import own_name
from fairway.targets.contract import Fence

_LIMIT = 390_000
"""Bytes of a document at most; an item may have 400 kB."""
_TRIES = 5
_REFUSED = "ConditionalCheckFailedException"


@dataclass(frozen=True, slots=True)
class Kept:
    """A standing and the version of its item; 0 before the first."""

    standing: Standing
    version: int


class Record:
    """The item of one environment."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def read(self) -> Standing:
        """What should be there; nothing before the first deployment."""
        item = await self._call("read what should be there", self._read)
        return self._decoded(item or {}).standing

    async def admit(self, fence: Fence) -> Kept:
        """Let the holder of the newest lease pass; Conflict for an older one."""
        try:
            item = await self._call("take the lease", lambda: self._raise_token(fence))
        except Conflict as error:
            if code_of(error) != _REFUSED:
                raise
            raise _stale(fence) from error
        return self._decoded(item)

    async def change(self, fence: Fence, step: Callable[[Standing], Standing]) -> Standing:
        """Keep what `step` makes of what is kept; Conflict for an old lease."""
        for _ in range(_TRIES):
            kept = await self.admit(fence)
            fresh = await asyncio.to_thread(step, kept.standing)
            if fresh == kept.standing:
                return fresh
            if await self._replace(fence, kept.version, fresh):
                return fresh
        raise Conflict(
            "standing-contended",
            f"others keep changing what should be there in '{self._place.environment}'",
            where=self._place.standing_table,
            remedy="try again",
        )

    def engines(self) -> frozenset[str]:
        """Who ever worked on the environment, as Terraform names whoever holds a lock. Blocks."""
        with telling("read who worked here before", where=self._place.standing_table):
            item = self._read() or {}
        return frozenset(item.get("engines", {}).get("SS", ()))

    async def _replace(self, fence: Fence, version: int, standing: Standing) -> bool:
        """Whether it was still that version, by the same lease."""
        document = zlib.compress(to_json(standing).encode(), 6)
        if len(document) > _LIMIT:
            raise _too_large(self._place, len(document))
        write = lambda: self._write(fence, version, document)  # noqa: E731 - names the call
        try:
            await self._call("keep what should be there", write)
        except Conflict as error:
            if code_of(error) != _REFUSED:
                raise
            return False
        return True

    async def _call(self, doing: str, call: Callable[[], Any]) -> Any:
        try:
            return await asked(doing, call, where=self._place.standing_table)
        except NotFound as error:
            raise _not_bootstrapped(self._place) from error

    @property
    def _table(self) -> Any:
        """Checked on the way: nothing of another account is read or written."""
        self._place.require_account()
        return self._place.clients.of("dynamodb", self._place.lead)

    @property
    def _key(self) -> dict[str, Any]:
        return {"environment": {"S": self._place.environment}}

    def _read(self) -> Any:
        return self._table.get_item(
            TableName=self._place.standing_table, Key=self._key, ConsistentRead=True
        ).get("Item")

    def _raise_token(self, fence: Fence) -> Any:
        return self._table.update_item(
            TableName=self._place.standing_table,
            Key=self._key,
            UpdateExpression="SET #token = :token, holder = :holder ADD engines :engine",
            ConditionExpression="attribute_not_exists(#token) OR #token <= :token",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={
                ":token": {"N": str(fence.token)},
                ":holder": {"S": fence.deployment},
                ":engine": {"SS": [own_name()]},
            },
            ReturnValues="ALL_NEW",
        )["Attributes"]

    def _write(self, fence: Fence, version: int, document: bytes) -> None:
        self._table.update_item(
            TableName=self._place.standing_table,
            Key=self._key,
            UpdateExpression="SET document = :document, version = :next",
            ConditionExpression="#token = :token AND "
            "(version = :version OR attribute_not_exists(version))",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={
                ":document": {"B": document},
                ":token": {"N": str(fence.token)},
                ":version": {"N": str(version)},
                ":next": {"N": str(version + 1)},
            },
        )

    def _decoded(self, item: Any) -> Kept:
        if "document" not in item:
            return Kept(Standing(self._place.environment, {}), 0)
        text = zlib.decompress(item["document"]["B"]).decode()
        return Kept(from_json(text), int(item["version"]["N"]))


def _stale(fence: Fence) -> Conflict:
    return Conflict(
        "stale-fence",
        f"{fence.deployment} acts by lease {fence.token}, but a later one was seen",
        where=fence.deployment,
        remedy="nothing: another engine has taken over",
    )


def _not_bootstrapped(place: Place) -> NotFound:
    return NotFound(
        "not-bootstrapped",
        f"the table {place.standing_table} is not there in {place.lead}",
        where=f"environments.{place.environment}",
        remedy=f"prepare the account first: fairway bootstrap {place.environment}",
    )


def _too_large(place: Place, size: int) -> InvalidInput:
    return InvalidInput(
        "standing-too-large",
        f"what should be there takes {size // 1000} kB, and an item of DynamoDB holds 400 kB",
        where=place.standing_table,
        remedy="divide the app into several apps",
    )

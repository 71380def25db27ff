"""The objects of the configuration buckets: what every task of an environment is told.

`AwsTarget` publishes here; the agent beside each Envoy looks for a new version every two seconds.
The buckets keep old versions of objects. Methods block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from fairway.errors import NotFound
from fairway.targets.aws.clients import code_of, telling
from fairway.targets.aws.place import Place
from fairway.targets.aws.ports import Document

_AT_ONCE = 16
_DIGEST = "fairway-digest"
_PREFIXES = ("mesh/", "handouts/")


class Publisher:
    """Writes documents and looks whether they are as they were written."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def publish(self, region: str, documents: Sequence[Document], *, again: bool = False) -> None:
        """Have the bucket hold these documents; `again` writes also those that are known there."""
        bucket = self._place.config_bucket(region)
        with telling("publish the files of the mesh", where=bucket):
            known = {} if again else self._digests(region, bucket, documents)
            changed = [each for each in documents if known.get(each.key) != each.digest]
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda each: self._put(region, bucket, each), changed))

    def edited(self, region: str, documents: Sequence[Document]) -> tuple[str, ...]:
        """The keys of documents that are not there as they were written."""
        bucket = self._place.config_bucket(region)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            texts = list(pool.map(lambda each: self._get(region, bucket, each.key), documents))
        return tuple(
            each.key for each, text in zip(documents, texts, strict=True) if text != each.text
        )

    def tidy(self, region: str, documents: Iterable[Document]) -> None:
        """Remove the objects of versions that are gone."""
        bucket, keep = self._place.config_bucket(region), {each.key for each in documents}
        client = self._place.clients.of("s3", region)
        with telling("remove the files of versions that are gone", where=bucket):
            pages = client.get_paginator("list_objects_v2")
            for prefix in _PREFIXES:
                for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                    for found in page.get("Contents", ()):
                        if found["Key"] not in keep:
                            client.delete_object(Bucket=bucket, Key=found["Key"])

    def _digests(self, region: str, bucket: str, documents: Sequence[Document]) -> dict[str, str]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda each: self._digest(region, bucket, each.key), documents)
            return {each.key: digest for each, digest in zip(documents, found, strict=True)}

    def _digest(self, region: str, bucket: str, key: str) -> str:
        try:
            with telling("look for a file of the mesh", where=f"{bucket}/{key}"):
                found = self._place.clients.of("s3", region).head_object(Bucket=bucket, Key=key)
        except NotFound as error:
            if code_of(error) == "NoSuchBucket":
                raise
            return ""
        return str(found["Metadata"].get(_DIGEST, ""))

    def _get(self, region: str, bucket: str, key: str) -> str | None:
        try:
            with telling("read a file of the mesh", where=f"{bucket}/{key}"):
                answer = self._place.clients.of("s3", region).get_object(Bucket=bucket, Key=key)
                return bytes(answer["Body"].read()).decode("utf-8", "replace")
        except NotFound:
            return None

    def _put(self, region: str, bucket: str, document: Document) -> None:
        self._place.clients.of("s3", region).put_object(
            Bucket=bucket,
            Key=document.key,
            Body=document.text.encode(),
            ContentType="application/json",
            Metadata={_DIGEST: document.digest},
        )

"""AWS, as little of it as an agent needs. The only module that knows botocore; methods block.

Every failure is `Away`: whether AWS, the network or a permission is missing, the agent goes on with
what it has and tries again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

_UNCHANGED = "304"


class Away(Exception):
    """AWS did not do what was asked; its text says why, without anything secret."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object of the bucket, and the tag by which to ask whether it has changed."""

    content: bytes
    tag: str


class Cloud:
    """The clients of one task. Credentials are those of the task's role."""

    def __init__(self) -> None:
        import botocore.session  # noqa: PLC0415 - the extra, 200 ms
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 2},
            s3={"addressing_style": "auto"},
        )
        session = botocore.session.get_session()
        self._clients: dict[str, Any] = {
            name: session.create_client(name, config=config)
            for name in ("s3", "lambda", "secretsmanager", "dynamodb", "cloudwatch")
        }

    def fetch(self, bucket: str, key: str, tag: str) -> Fetched | None:
        """An object; None when it still has this tag."""
        condition = {"IfNoneMatch": tag} if tag else {}

        def get() -> Fetched:
            answer = self._clients["s3"].get_object(Bucket=bucket, Key=key, **condition)
            return Fetched(answer["Body"].read(), str(answer["ETag"]))

        try:
            return _asked(f"s3://{bucket}/{key}", get)
        except _Unchanged:
            return None

    def certificate(self, function: str, request: str) -> Mapping[str, str]:
        """What the function answers to a certificate request."""

        def invoke() -> Mapping[str, str]:
            payload = json.dumps({"csr": request}).encode()
            answer = self._clients["lambda"].invoke(FunctionName=function, Payload=payload)
            content = answer["Payload"].read()
            if answer.get("FunctionError"):
                raise Away(f"{function}: {_error_message(content)}")
            found: Mapping[str, str] = json.loads(content)
            return found

        return _asked(function, invoke)

    def secret(self, name: str) -> str:
        """The current value of a secret."""

        def get() -> str:
            return str(
                self._clients["secretsmanager"].get_secret_value(SecretId=name)["SecretString"]
            )

        return _asked(name, get)

    def report(self, table: str, item: Mapping[str, Any]) -> None:
        """Replace a row."""
        _asked(table, lambda: self._clients["dynamodb"].put_item(TableName=table, Item=item))

    def metrics(self, namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        """Add to metrics; at most 1000 at once, which is many times of what an agent has."""
        send = self._clients["cloudwatch"].put_metric_data
        _asked(namespace, lambda: send(Namespace=namespace, MetricData=list(data)))


class _Unchanged(Exception):
    """The object still has the tag."""


def _asked(what: str, call: Callable[[], T]) -> T:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - the extra

    try:
        return call()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        if code == _UNCHANGED:
            raise _Unchanged from error
        raise Away(f"{what}: {code}") from error
    except (BotoCoreError, OSError, KeyError, ValueError) as error:
        raise Away(f"{what}: {type(error).__name__}") from error


def _error_message(content: bytes) -> str:
    try:
        return str(json.loads(content).get("errorMessage", "the function failed"))
    except (ValueError, AttributeError):
        return "the function failed"

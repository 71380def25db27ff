"""S3: a bucket says that its events go to EventBridge, and how many old versions it keeps.

Added: EventBridgeConfiguration of GetBucketNotificationConfiguration, which moto only keeps;
NewerNoncurrentVersions of lifecycles, for which Terraform's provider waits. Taken away: policies
of buckets decide nothing, as moto would read them without their conditions.
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import TYPE_RESPONSE
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response as Response

_EXPIRY = re.compile(r"(?<=<NoncurrentVersionExpiration>)")


def install() -> None:
    """Have all of it."""
    _notifications()
    _lifecycles()
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL  # type: ignore[method-assign]


def _lifecycles() -> None:
    keep, get = FakeBucket.set_lifecycle, Response.get_bucket_lifecycle

    def set_lifecycle(self: FakeBucket, rules: list[dict[str, Any]]) -> None:
        keep(self, rules)
        expiries = (rule.get("NoncurrentVersionExpiration") for rule in rules)
        counts = [each.get("NewerNoncurrentVersions") for each in expiries if each]
        self.__dict__["newer_versions"] = counts

    def get_bucket_lifecycle(self: Response) -> TYPE_RESPONSE:
        answer = get(self)
        bucket = self.backend.get_bucket(self.bucket_name)
        counts = iter(bucket.__dict__.get("newer_versions", ()))
        status, headers, body = answer
        return status, headers, _EXPIRY.sub(lambda _: _newer(next(counts, None)), _text(body))

    FakeBucket.set_lifecycle = set_lifecycle  # type: ignore[method-assign]
    Response.get_bucket_lifecycle = get_bucket_lifecycle


def _newer(count: Any) -> str:
    return f"<NewerNoncurrentVersions>{count}</NewerNoncurrentVersions>" if count else ""


def _notifications() -> None:
    get = Response.get_bucket_notification

    def get_bucket_notification(self: Response) -> TYPE_RESPONSE:
        status, headers, body = get(self)
        kept = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if kept and kept.event_bridge is not None:
            body = _with(body, "<EventBridgeConfiguration/>")
        return status, headers, body

    Response.get_bucket_notification = get_bucket_notification


def _with(body: Any, element: str) -> str:
    text = _text(body)
    if text.rstrip().endswith("/>"):  # it has no element yet
        return f"{text.rstrip()[:-2]}>{element}</NotificationConfiguration>"
    return text.replace("</NotificationConfiguration>", f"{element}</NotificationConfiguration>")


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)

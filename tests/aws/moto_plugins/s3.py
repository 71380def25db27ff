"""S3: what moto keeps of a bucket but does not tell, and how many old versions a rule spares.

Added: EventBridgeConfiguration of GetBucketNotificationConfiguration; NewerNoncurrentVersions of
lifecycle rules; the deletion of a delete marker, which Terraform's `force_destroy` asks for.
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import TYPE_RESPONSE
from moto.s3.models import FakeDeleteMarker
from moto.s3.models import S3Backend as Backend
from moto.s3.responses import S3Response as Response

RULE = re.compile(r"<Rule>.*?</Rule>", re.DOTALL)
END = "</NoncurrentVersionExpiration>"


def install() -> None:
    notification, lifecycle = Response.get_bucket_notification, Response.get_bucket_lifecycle
    put = Backend.put_bucket_lifecycle

    def get_bucket_notification(self: Response) -> TYPE_RESPONSE:
        status, headers, body = notification(self)
        kept = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if kept and kept.event_bridge is not None:
            body = _with(_text(body), "<EventBridgeConfiguration/>")
        return status, headers, body

    def put_bucket_lifecycle(self: Backend, bucket_name: str, rules: Any) -> None:
        put(self, bucket_name, rules)
        each = rules if isinstance(rules, list) else [rules]
        self.get_bucket(bucket_name).spared = {rule.get("ID"): _spared(rule) for rule in each}

    def get_bucket_lifecycle(self: Response) -> TYPE_RESPONSE:
        status, headers, body = lifecycle(self)
        spared = getattr(self.backend.get_bucket(self.bucket_name), "spared", {})
        return status, headers, RULE.sub(lambda rule: _sparing(rule[0], spared), _text(body))

    Response.get_bucket_notification = get_bucket_notification
    Response.get_bucket_lifecycle = get_bucket_lifecycle
    Backend.put_bucket_lifecycle = put_bucket_lifecycle
    FakeDeleteMarker.dispose = lambda _marker: None  # it holds nothing, unlike other versions


def _spared(rule: dict[str, Any]) -> str | None:
    found: str | None = rule.get("NoncurrentVersionExpiration", {}).get("NewerNoncurrentVersions")
    return found


def _sparing(rule: str, spared: dict[str, str | None]) -> str:
    id_ = re.search(r"<ID>(.*?)</ID>", rule)
    number = spared.get(id_[1]) if id_ else None
    if number is None:
        return rule
    element = f"<NewerNoncurrentVersions>{number}</NewerNoncurrentVersions>"
    return rule.replace(END, f"{element}{END}")


def _with(text: str, element: str) -> str:
    if text.rstrip().endswith("/>"):  # it has no element yet
        return f"{text.rstrip()[:-2]}>{element}</NotificationConfiguration>"
    return text.replace("</NotificationConfiguration>", f"{element}</NotificationConfiguration>")


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)

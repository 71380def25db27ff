"""S3: a bucket says that its events go to EventBridge.

Added: EventBridgeConfiguration of GetBucketNotificationConfiguration, which moto only keeps.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import TYPE_RESPONSE
from moto.s3.responses import S3Response as Response


def install() -> None:
    get = Response.get_bucket_notification

    def get_bucket_notification(self: Response) -> TYPE_RESPONSE:
        status, headers, body = get(self)
        kept = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if kept and kept.event_bridge is not None:
            body = _with(body, "<EventBridgeConfiguration/>")
        return status, headers, body

    Response.get_bucket_notification = get_bucket_notification


def _with(body: Any, element: str) -> str:
    text = body.decode() if isinstance(body, bytes) else str(body)
    if text.rstrip().endswith("/>"):  # it has no element yet
        return f"{text.rstrip()[:-2]}>{element}</NotificationConfiguration>"
    return text.replace("</NotificationConfiguration>", f"{element}</NotificationConfiguration>")

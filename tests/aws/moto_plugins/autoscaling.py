"""Application Auto Scaling: tags, without which Terraform waits for ever.

Added: ListTagsForResource, TagResource, UntagResource, `Tags` of RegisterScalableTarget.
"""

from __future__ import annotations

import json
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Response


def install() -> None:
    register = Response.register_scalable_target

    def register_scalable_target(self: Response) -> str:
        answer = register(self)
        _tags(self).setdefault(json.loads(answer)["ScalableTargetARN"], {}).update(
            self._get_param("Tags") or {}
        )
        return answer

    Response.register_scalable_target = register_scalable_target
    Response.list_tags_for_resource = _list
    Response.tag_resource = _tag
    Response.untag_resource = _untag


def _list(self: Response) -> str:
    return json.dumps({"Tags": _tags(self).get(self._get_param("ResourceARN"), {})})


def _tag(self: Response) -> str:
    _tags(self).setdefault(self._get_param("ResourceARN"), {}).update(self._get_param("Tags"))
    return "{}"


def _untag(self: Response) -> str:
    tags = _tags(self).get(self._get_param("ResourceARN"), {})
    for key in self._get_param("TagKeys"):
        tags.pop(key, None)
    return "{}"


def _tags(self: Response) -> dict[str, Any]:
    """Kept on the backend, which a reset replaces."""
    found: dict[str, Any] = self.applicationautoscaling_backend.__dict__.setdefault("_tags", {})
    return found

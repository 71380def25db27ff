"""Application Auto Scaling: tags, without which Terraform waits for ever.

Added: ListTagsForResource, TagResource, UntagResource, `Tags` of RegisterScalableTarget. What is
gone already is not found, as AWS says, instead of invalid: a deletion that the provider repeats,
because an answer was lost, then ends well.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend as Backend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Response
from moto.core.exceptions import JsonRESTError


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
    Backend.delete_scaling_policy = _not_found(Backend.delete_scaling_policy)
    Backend.deregister_scalable_target = _not_found(Backend.deregister_scalable_target)


def _not_found(delete: Callable[..., None]) -> Callable[..., None]:
    """The deletion, which raises ObjectNotFoundException for what is not there."""

    def deleting(*arguments: Any, **named: Any) -> None:
        try:
            delete(*arguments, **named)
        except AWSValidationException as error:
            raise JsonRESTError("ObjectNotFoundException", str(error.message)) from error

    return deleting


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

"""CloudFront: policies for the headers of responses; a distribution is told as it was made.

Added: Create, Get, Update and DeleteResponseHeadersPolicy; OriginAccessControlId. Mended: values
that moto makes up for what was not given (ForwardedValues, the default certificate).
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.cloudfront import urls
from moto.cloudfront.models import DefaultCacheBehaviour, Origin, ViewerCertificate
from moto.cloudfront.responses import CloudFrontResponse as Response
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult

PATH = "{0}/2020-05-31/response-headers-policy"


class NoPolicy(ServiceException):
    code = "NoSuchResponseHeadersPolicy"


def install() -> None:
    for path in (f"{PATH}$", f"{PATH}/(?P<id>[^/]+)$", f"{PATH}/(?P<id>[^/]+)/config$"):
        urls.url_paths[path] = Response.dispatch
    _as_given(Origin, _origin)
    _as_given(DefaultCacheBehaviour, _behaviour)
    _as_given(ViewerCertificate, _certificate)
    Response.create_response_headers_policy = create
    Response.get_response_headers_policy = get
    Response.update_response_headers_policy = update
    Response.delete_response_headers_policy = delete


def _as_given(kind: type, mend: Any) -> None:
    """Have `mend(thing, config)` follow the making of every thing of a kind."""
    begin = kind.__init__

    def __init__(self: Any, config: dict[str, Any]) -> None:
        begin(self, config)
        mend(self, config)

    kind.__init__ = __init__  # type: ignore[misc]


def _origin(self: Any, config: dict[str, Any]) -> None:
    self.origin_access_control_id = config.get("OriginAccessControlId") or ""


def _behaviour(self: Any, config: dict[str, Any]) -> None:
    if not config.get("ForwardedValues"):
        self.forwarded_values = None


def _certificate(self: Any, config: dict[str, Any]) -> None:
    if self.acm_certificate_arn:
        self.cloud_front_default_certificate = False


def create(self: Response) -> ActionResult:
    return _set(self, str(uuid4()))


def get(self: Response) -> ActionResult:
    return ActionResult(_known(self))


def update(self: Response) -> ActionResult:
    _known(self)
    return _set(self, self._get_param("Id"))


def delete(self: Response) -> EmptyResult:
    _known(self)
    del _kept(self)[self._get_param("Id")]
    return EmptyResult()


def _set(self: Response, id_: str) -> ActionResult:
    config = self._get_param("ResponseHeadersPolicyConfig")
    given = config.original_dict() if hasattr(config, "original_dict") else config
    policy = {"Id": id_, "ResponseHeadersPolicyConfig": given}
    _kept(self)[id_] = {"ResponseHeadersPolicy": policy, "ETag": str(uuid4())}
    return ActionResult(_kept(self)[id_])


def _known(self: Response) -> dict[str, Any]:
    id_ = self._get_param("Id")
    if id_ not in _kept(self):
        raise NoPolicy(f"no response headers policy {id_}")
    found: dict[str, Any] = _kept(self)[id_]
    return found


def _kept(self: Response) -> dict[str, Any]:
    """Kept on the backend, which a reset replaces."""
    found: dict[str, Any] = self.backend.__dict__.setdefault("_headers_policies", {})
    return found

"""Requests from outside: what the gateway takes off them, and how it tells users apart.

Used by the gateway's filters (`connection.py`) and routes (`gateway_routes.py`). The filters are
always there, because listeners drain when they change; whether anybody gets a cookie is in the
routes.

A client may not say to which cohort it belongs: the members of its baggage that begin with
`fairway.` go, all others stay. Testers ask by `x-fairway-preview`, which routes here turn into the
candidate's cohort, so that also a service between, which passes on baggage and no more, keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fairway.targets.mesh.render.cohorts import BAGGAGE, asks_for, marks
from fairway.targets.mesh.render.document import (
    Json,
)
from fairway.targets.mesh.view import USER, GatewayRoute, GatewayView

COOKIE = "fairway-user"
_LIFETIME = 7 * 24 * 3600
"""Seconds that a browser keeps it: longer than any deployment."""
_COOKIE_VALUE = "[0-9A-Za-z_-]{8,64}"
_ASIDE = "fairway"
"""The name of the dynamic metadata in which values wait between two filters."""
_OURS = r"^(\s*fairway\.[^,]*(,|$))+|,\s*fairway\.[^,]*"
"""Members of baggage that only the mesh may set: at its beginning, or after others."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A kind of request from outside: its headers, what is set on it, what on its answer."""

    headers: list[Json] = field(default_factory=list)
    to_request: list[Json] = field(default_factory=list)
    to_response: list[Json] = field(default_factory=list)
    is_tester: bool = False

    @property
    def additions(self) -> Json:
        """The fields of a route."""
        request = {"request_headers_to_add": self.to_request} if self.to_request else {}
        response = {"response_headers_to_add": self.to_response} if self.to_response else {}
        return {**request, **response}


def guests(gateway: GatewayView, route: GatewayRoute) -> list[Guest]:
    """All kinds of requests for a route, the most special first."""
    testers = [_tester(gateway.cohort)] if gateway.cohort or route.is_shared else []
    remembered = gateway.remember_users or route.is_shared
    return [*testers, *([_known(), _new()] if remembered else [Guest()])]


def by_user() -> list[Json]:
    """Hash policies that tell the same users apart in the gateway's own choices."""
    known = {"cookie": {"name": COOKIE}, "terminal": True}
    return [known, {"header": {"header_name": "x-request-id"}}]


def _tester(cohort: str) -> Guest:
    return Guest([asks_for(cohort)], marks(cohort) if cohort else [], is_tester=True)


def _known() -> Guest:
    """Whoever brings a cookie is who it says."""
    regex = f"(.*; *)?{COOKIE}={_COOKIE_VALUE}( *;.*)?"
    brought = {"name": "cookie", "string_match": {"safe_regex": {"regex": regex}}}
    return Guest([brought], [_set(USER, _aside("user"))])


def _new() -> Guest:
    """Anyone else becomes whoever this first request was."""
    first = "%REQ(X-REQUEST-ID)%"
    cookie = f"{COOKIE}={first}; Path=/; Max-Age={_LIFETIME}; HttpOnly; SameSite=Lax"
    return Guest([], [_set(USER, first)], [{"header": {"key": "set-cookie", "value": cookie}}])


def set_aside() -> list[Json]:
    """The rules by which baggage (without what is ours) and the cookie are set aside."""
    rewritten = {"pattern": {"regex": _OURS}, "substitution": ""}
    baggage = {**_into("baggage"), "regex_value_rewrite": rewritten}
    return [
        {"header": BAGGAGE, "on_header_present": baggage, "remove": True},
        {"cookie": COOKIE, "on_header_present": _into("user")},
    ]


def kept_baggage() -> Json:
    """The mutation that puts baggage back."""
    return {"append": _set(BAGGAGE, _aside("baggage"))}


def _into(key: str) -> Json:
    return {"metadata_namespace": _ASIDE, "key": key, "type": "STRING"}


def _aside(key: str) -> str:
    return f"%DYNAMIC_METADATA({_ASIDE}:{key})%"


def _set(name: str, value: str) -> Json:
    header = {"key": name, "value": value}
    return {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}

"""What `fairway call` sends: method, path, intent and headers, checked against the bundle. Pure.

The command builds a `Wish` from its options; `plan_call` completes it from the policy bundle that
the services themselves decide by, so that a mistyped name is told here and not as a 403.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fairway.errors import InvalidInput, NotFound
from fairway.model.names import did_you_mean
from fairway_runtime.intents import IntentRoute, IntentTable
from fairway_runtime.policy.bundle import BundleService, PolicyBundle

_OF_ONE_CALL = frozenset({"host", "x-correlation-id", "traceparent", "user-agent"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line was given; empty or None is for `plan_call` to find out."""

    callee: str
    path: str
    caller: str
    intent: str
    method: str
    headers: tuple[str, ...]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One request. `caller` is empty for the public; `path` holds the query, if any."""

    callee: str
    caller: str
    kind: str
    intent: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one call: chosen by the caller of this pure module."""

    correlation: str
    trace: str
    span: str


def plan_call(wish: Wish, bundle: PolicyBundle, ids: Ids) -> CallPlan:
    """The request to send; raises NotFound or InvalidInput for what cannot be meant."""
    service = _service(wish.callee, bundle)
    table = IntentTable(service.intents.values())
    route = _wanted_route(wish, service)
    path = wish.path or (route.path if route else "/")
    if not path.startswith("/"):
        raise _no_path(wish, service)
    method = wish.method.upper() or (route.method if route else _likely_method(wish, path, table))
    found = table.match(method, path.partition("?")[0])
    if route is not None and found is not route:
        raise _mismatch(wish, route, method, path)
    return CallPlan(
        callee=wish.callee,
        caller=wish.caller,
        kind=_kind(wish.caller, bundle),
        intent=found.name if found else "",
        method=method,
        path=path,
        headers=_headers(wish, ids),
        body=wish.body or b"",
    )


def public_call(target: Sequence[str], wish: Wish, bundle: PolicyBundle) -> CallPlan:
    """A request that anyone may send again and again: `/path`, `intent`, or either of a service.

    `wish` has the rest. Without the ids of a single call: each request is a story of its own.
    Raises NotFound or InvalidInput for what cannot be meant.
    """
    *named, what = target
    if len(named) > 1:
        raise InvalidInput(
            "invalid-target",
            f"{' '.join(target)!r} is more than a service and a path",
            remedy="write [SERVICE] PATH|INTENT: orbit dispatch",
        )
    path, intent = (what, "") if what.startswith("/") else ("", what)
    callee = named[0] if named else _opened(what, bundle)
    whole = replace(wish, callee=callee, path=path, intent=intent)
    found = plan_call(whole, bundle, Ids("", "", ""))
    kept = [pair for pair in found.headers if pair[0] not in _OF_ONE_CALL]
    given = [_header(text) for text in wish.headers]
    return replace(found, headers=(*(pair for pair in kept if pair not in given), *given))


def _opened(what: str, bundle: PolicyBundle) -> str:
    """The service behind the gateway at a path, or with an intent of that name."""
    public = {name: service for name, service in bundle.services.items() if service.public}
    bare = what.partition("?")[0]
    for name, service in public.items():
        if service.opens(bare) if what.startswith("/") else what in service.intents:
            return name
    intents = [intent for service in public.values() for intent in service.intents]
    raise NotFound(
        "nothing-public",
        f"the gateway has nothing for {what!r}",
        remedy=did_you_mean(what, intents, f"public services are: {_list(public) or 'none'}"),
    )


def _service(name: str, bundle: PolicyBundle) -> BundleService:
    if name in bundle.services:
        return bundle.services[name]
    raise NotFound(
        "no-such-service",
        f"there is no service '{name}' in the running app",
        remedy=did_you_mean(name, bundle.services, f"there are: {_list(bundle.services)}"),
    )


def _kind(caller: str, bundle: PolicyBundle) -> str:
    if not caller:
        return "Gateway"
    if caller in bundle.clients:
        return "Client"
    if caller in bundle.services:
        return "Service"
    names = [*bundle.clients, *bundle.services]
    raise NotFound(
        "no-such-identity",
        f"there is no client or service '{caller}' to call as",
        where="--as",
        remedy=did_you_mean(caller, names, f"there are: {_list(names)}"),
    )


def _wanted_route(wish: Wish, service: BundleService) -> IntentRoute | None:
    if not wish.intent:
        return None
    if wish.intent in service.intents:
        return service.intents[wish.intent]
    raise NotFound(
        "no-such-intent",
        f"'{wish.callee}' has no intent '{wish.intent}'",
        where="--intent",
        remedy=did_you_mean(
            wish.intent, service.intents, f"it has: {_list(service.intents) or 'none'}"
        ),
    )


def _no_path(wish: Wish, service: BundleService) -> InvalidInput:
    meant = f"/{wish.path}"
    if wish.path in service.intents:
        meant = f"--intent {wish.path}"
    return InvalidInput(
        "invalid-path",
        f"{wish.path!r} is not a path: it does not begin with a slash",
        remedy=f"write: fairway call {wish.callee} {meant}",
    )


def _likely_method(wish: Wish, path: str, table: IntentTable) -> str:
    """The method of the intent at that path; else what curl would take."""
    bare = path.partition("?")[0]
    preferred = ["POST", "PUT", "PATCH"] if wish.body is not None else ["GET"]
    methods = [*preferred, *(route.method for route in table.routes)]
    return next((m for m in methods if table.match(m, bare) is not None), preferred[0])


def _mismatch(wish: Wish, route: IntentRoute, method: str, path: str) -> InvalidInput:
    return InvalidInput(
        "intent-mismatch",
        f"{method} {path} is not the intent '{route.name}' of '{wish.callee}'",
        remedy=f"that intent is {route.method} {route.path}: an intent follows from method and "
        "path, it is never claimed",
    )


def _headers(wish: Wish, ids: Ids) -> tuple[tuple[str, str], ...]:
    given = [_header(text) for text in wish.headers]
    names = {name.lower() for name, _ in given}
    own = [
        ("host", f"{wish.callee}.internal"),
        ("x-correlation-id", ids.correlation),
        ("traceparent", f"00-{ids.trace}-{ids.span}-01"),
        ("user-agent", "fairway-call"),
        ("accept", "*/*"),
    ]
    if wish.body is not None:
        own.append(("content-type", _content_type(wish.body)))
    return tuple(pair for pair in own if pair[0] not in names) + tuple(given)


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":")
    if not separator or not name.strip() or "\n" in text or "\r" in text:
        raise InvalidInput(
            "invalid-header",
            f"{text!r} is not a header",
            where="--header",
            remedy='write it like this: --header "accept-language: de"',
        )
    return name.strip().lower(), value.strip()


def _content_type(body: bytes) -> str:
    try:
        json.loads(body)
    except ValueError:
        return "text/plain; charset=utf-8"
    return "application/json"


def _list(names: Iterable[str] | Mapping[str, object]) -> str:
    return ", ".join(sorted(names))

"""The API explorer: ask any service for anything, as any identity, and see what came of it.

Operations come from the service's OpenAPI document and from its declared intents. The call goes
through the mesh like every other: nothing is allowed here that is denied elsewhere, and what comes
back leads to its trace and to its log lines. Needs the role `deployer`: a call may change things.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from fairway.console.page import Entry, Page, PageHere
from fairway.console.views.composing import compose
from fairway.console.views.operations import Operation, operations_of
from fairway.console.views.wording import part, url
from fairway.control.explored import PUBLIC, CallOutcome, CallRequest
from fairway.control.port import ControlPlane
from fairway.control.recorded import AuditQuery
from fairway.control.topology import Topology
from fairway.errors import FairwayError, NotFound, Unavailable
from fairway.telemetry.port import Telemetry

ENTRY = Entry("Explorer", "/explorer", "explorer", "e")
router = APIRouter()
_KEPT_SECONDS = 5.0
"""For how long a document is not asked again while one clicks through its operations."""
_REASON_SECONDS = 2.0
"""How long to wait for the audit log to say why: the mesh's refusals arrive within a second."""
_TRACE_SECONDS = 6.0
"""How long to wait for a trace; its page says so if there is none then."""
_BETWEEN_LOOKS = 0.6
_DENIED = (401, 403)


@dataclass(frozen=True, slots=True)
class Offered:
    """A service and what one may ask of it; `documented` if it serves an OpenAPI document.

    `callers` are the identities with a declared way to it, `others` all the rest.
    """

    service: str
    operations: tuple[Operation, ...]
    documented: bool
    callers: tuple[str, ...]
    others: tuple[str, ...]

    def operation(self, key: str) -> Operation:
        """The one of that key; NotFound when the document has changed meanwhile."""
        for found in self.operations:
            if found.key == key:
                return found
        raise NotFound("no-such-operation", f"'{self.service}' has no operation {key}")


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a call, ready to be shown. `reason` says why it was denied, where known."""

    identity: str
    service: str
    operation: Operation
    outcome: CallOutcome
    body: str
    denied: bool
    reason: str


@router.get("/explorer")
async def explorer(
    here: PageHere, request: Request, service: str = "", operation: str = ""
) -> Response:
    """The services, the operations of one, and the form of one of them."""
    return here.render("explorer.html", **await _shown(here, service, operation, request))


@router.post("/explorer")
async def send(here: PageHere, request: Request) -> Response:
    """Send what was filled in; the outcome alone for a script, else the page with it."""
    here.require("deployer")
    filled = {name: str(value) for name, value in (await request.form()).items()}
    offered = await _offered(here, filled.get("service", ""))
    operation = offered.operation(filled.get("operation", ""))
    told = await _called(here, offered.service, operation, filled)
    if here.scripted:
        return here.fragment("_explorer_outcome.html", told=told)
    shown = await _shown(here, offered.service, operation.key, request)
    return here.render("explorer.html", **shown | {"told": told, "filled": filled})


@router.get("/explorer/traces/{trace_id}")
async def trace(here: PageHere, trace_id: str) -> Response:
    """To the trace of a call that was just sent, once all of its spans are there."""
    await _settled(here.telemetry, trace_id)
    return RedirectResponse(url(f"/traces/{part(trace_id)}"), 303)


async def _settled(telemetry: Telemetry, trace_id: str) -> None:
    """Wait until a trace has stopped growing: services and Envoys send their spans in batches."""
    seen = 0
    for _ in range(int(_TRACE_SECONDS / _BETWEEN_LOOKS)):
        try:
            spans = len((await telemetry.trace(trace_id)).spans)
        except NotFound:
            spans = 0
        if spans and spans == seen:
            return
        seen = spans
        await asyncio.sleep(_BETWEEN_LOOKS)


async def _shown(here: Page, service: str, operation: str, request: Request) -> dict[str, Any]:
    """What the page shows; the address may say more of what is filled in."""
    services = _services(await here.control.topology())
    if not services:
        return {"tabs": (), "offered": None, "chosen": None, "told": None, "filled": {}}
    offered = await _offered(here, service or services[0])
    chosen = offered.operation(operation) if operation else next(iter(offered.operations), None)
    tabs = [(url("/explorer", service=name), name, name == offered.service) for name in services]
    filled = dict(request.query_params)
    return {"tabs": tabs, "offered": offered, "chosen": chosen, "told": None, "filled": filled}


async def _offered(here: Page, service: str) -> Offered:
    control = here.control
    document = await here.kept(
        f"openapi/{service}", _KEPT_SECONDS, lambda: _document(control, service)
    )
    intents = [(each.name, each.method, each.path) for each in await control.intents(service)]
    topology = await control.topology()
    callers, others = identities(topology, service)
    found = operations_of(document, intents)
    return Offered(service, found, document is not None, callers, others)


async def _document(control: ControlPlane, service: str) -> Mapping[str, Any] | None:
    try:
        return await control.openapi(service)
    except (NotFound, Unavailable):
        return None


def identities(topology: Topology, service: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who has a declared way to a service, clients first, and who else there is to call as."""
    kinds = {node.name: node.kind for node in topology.nodes}
    sources = {edge.source for edge in topology.edges if edge.target == service}
    clients = [name for name, kind in kinds.items() if kind == "client"]
    everyone = [*clients, *_services(topology)]
    declared = [name for name in everyone if name in sources]
    if any(kinds.get(name) == "gateway" for name in sources):
        declared.append(PUBLIC)
    others = [name for name in everyone if name not in (*declared, service)]
    return tuple(declared), tuple(others)


def _services(topology: Topology) -> tuple[str, ...]:
    return tuple(node.name for node in topology.nodes if node.kind == "service")


async def _called(
    here: Page, service: str, operation: Operation, filled: Mapping[str, str]
) -> Told:
    made = compose(operation, filled)
    identity = filled.get("identity", PUBLIC)
    began = here.now
    request = CallRequest(identity, service, made.method, made.path, made.headers, made.body)
    outcome = await here.control.call(request)
    denied = outcome.status in _DENIED
    reason = await _reason(here, outcome, began) if denied else ""
    return Told(identity, service, operation, outcome, pretty(outcome.body), denied, reason)


async def _reason(here: Page, outcome: CallOutcome, began: float) -> str:
    """Why it was denied, as the audit log says; empty if it does not say so soon."""
    query = AuditQuery(verdict="deny", since=began - 1.0, limit=200)
    for _ in range(int(_REASON_SECONDS / 0.2)):
        try:
            entries = await here.control.audit(query)
        except FairwayError:  # the answer is worth showing also without its reason
            return ""
        for entry in entries:
            if entry.correlation_id == outcome.correlation_id:
                by = f" ({', '.join(entry.policies)})" if entry.policies else ""
                return f"{entry.caller} → {entry.service} {entry.intent}: {entry.reason}{by}"
        await asyncio.sleep(0.2)
    return ""


def pretty(body: str) -> str:
    """JSON with its lines indented, anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):  # no JSON, or nested deeper than anybody reads
        return body

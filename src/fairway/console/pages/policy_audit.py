"""The audit log: what was decided and by which policy, proven whole, and when denials rise.

Included by `policies`. Searching and verifying read the whole log, so several open pages share an
answer for a moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from fairway.console.addresses import go
from fairway.console.page import Page, PageHere
from fairway.console.views.denials import HEIGHT, WIDTH, denials
from fairway.console.views.timerange import moment_of
from fairway.control.port import Records
from fairway.control.recorded import AuditEntry, AuditQuery

router = APIRouter()
_SPANS = {"15m": 900, "1h": 3600, "6h": 6 * 3600, "1d": 86_400, "7d": 7 * 86_400}
_STEPS = (60, 3600, 86_400)
"""Seconds that are looked back at first."""
_ENTRIES = 200
_MOST = 10_000
_SECONDS = 2.0
"""For how long an answer is shared."""
_PROOF_SECONDS = 30.0
"""The same for the verdict on the chains: every entry is hashed for it."""
Span = Literal["15m", "1h", "6h", "1d", "7d"]
Name = Annotated[str, Query(max_length=200)]


@router.get("/policies/audit")
async def audit(  # noqa: PLR0913, PLR0917 - every filter is a parameter
    here: PageHere,
    service: Name = "",
    caller: Name = "",
    intent: Name = "",
    verdict: Literal["", "allow", "deny", "change"] = "",
    since: Name = "",
    until: Name = "",
) -> HTMLResponse:
    """Entries that match, the newest first."""
    records = await here.records()
    now = here.now
    query = AuditQuery(
        service or None,
        intent or None,
        verdict if verdict in ("allow", "deny") else None,
        moment_of(since, now) if since.strip() else None,
        moment_of(until, now) if until.strip() else None,
        _MOST if caller or verdict == "change" else _ENTRIES,
    )
    key = "audit " + " ".join(map(repr, (service, intent, verdict, since, until, query.limit)))
    found = await here.kept(key, _SECONDS, lambda: _newest(records, query, now))
    shown = [each for each in reversed(found) if _wanted(each, caller, verdict)][:_ENTRIES]
    return here.render(
        "policy_audit.html", go=go(here), entries=shown, more=len(found) >= query.limit,
        service=service, asker=caller, intent=intent, verdict=verdict, since=since, until=until,
        services=[("", "all"), *((name, name) for name in (await records.policy_names()).services)],
    )  # fmt: skip


@router.get("/policies/audit/chains")
async def chains(here: PageHere) -> HTMLResponse:
    """Whether every chain of the audit log is whole: a part of the page that comes later."""
    records = await here.records()
    found = await here.kept("chains", _PROOF_SECONDS, records.verify_audit)
    return here.fragment("_policy_chains.html", go=go(here), chains=found)


@router.get("/policies/denials")
async def denied(here: PageHere, span: Span = "1h") -> HTMLResponse:
    """Denials over time: a part of two pages that comes later."""
    return here.fragment("_policy_denials.html", go=go(here), **await _denials(here, span))


async def _denials(here: Page, span: Span) -> dict[str, object]:
    records = await here.records()
    until = here.now
    since = until - _SPANS[span]
    query = AuditQuery(verdict="deny", since=since, limit=_MOST)
    found = await here.kept(f"denials {span}", _SECONDS, lambda: records.audit(query))
    return {
        "denials": denials(found, since, until, _MOST),
        "span": span,
        "spans": tuple(_SPANS),
        "size": (WIDTH, HEIGHT),
    }


async def _newest(records: Records, query: AuditQuery, now: float) -> tuple[AuditEntry, ...]:
    """The newest that match. Reading a long log takes seconds, so it is read from its end."""
    if query.since is None and query.until is None:
        for seconds in _STEPS:
            found = await records.audit(replace(query, since=now - seconds))
            if len(found) >= query.limit:
                return found
    return await records.audit(query)


def _wanted(entry: AuditEntry, caller: str, verdict: str) -> bool:
    if verdict == "change" and entry.kind == "decision":
        return False
    return not caller or entry.caller in (caller, f"Service::{caller}", f"Client::{caller}")

"""Who may call axon to reason, and why: a question, answered by the policies that decide now.

Nothing is sent and nothing is logged. Included by `policies`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from fairway.console.addresses import go
from fairway.console.page import PageHere
from fairway.console.views.simulation import Answered, answered, context_of
from fairway.control.policy_findings import PolicyNames
from fairway.errors import FairwayError

router = APIRouter()
Name = Annotated[str, Query(max_length=200)]


@router.get("/policies/simulate")
async def simulate(
    here: PageHere, service: Name = "", intent: Name = "", kind: Name = "", name: Name = ""
) -> HTMLResponse:
    """The form, and the answer when a service and an intent are named.

    The keys of the context are parameters too; `caller` is `Service::orbit`, or `kind` and `name`.
    """
    records = await here.records()
    names = await records.policy_names()
    service, intent = _chosen(names, service, intent)
    given = dict(here.request.query_params)
    caller = given.get("caller", "") or (f"{kind}::{name}" if kind and name else "")
    answer: Answered | None = None
    error: FairwayError | None = None
    policy_set = 0
    if service:
        try:
            context = context_of(names, given)
            found = await records.simulate(service, intent, context)
            answer, policy_set = answered(found, caller), found.policy_set
        except FairwayError as problem:  # the form stays, to be corrected
            error = problem
    return here.render(
        "policy_simulation.html", go=go(here), names=names, service=service, intent=intent,
        asker=caller, given=given, answer=answer, error=error, policy_set=policy_set,
        callers=_callers(names), targets=_targets(names),
    )  # fmt: skip


def _chosen(names: PolicyNames, service: str, intent: str) -> tuple[str, str]:
    """What is asked for; at first, the first intent there is. `call` is both in one field."""
    if "." in service and not intent:
        service, _, intent = service.partition(".")
    if not service:
        service = next((each for each, intents in names.services.items() if intents), "")
    if not intent:
        intent = next(iter(names.services.get(service, ())), "")
    return service, intent


def _callers(names: PolicyNames) -> list[tuple[str, str]]:
    return [
        ("", "everyone"),
        *((f"Service::{name}", name) for name in names.services),
        *((f"Client::{name}", f"client {name}") for name in names.clients),
        ("Gateway::public", "anyone, through the gateway"),
    ]


def _targets(names: PolicyNames) -> list[tuple[str, str]]:
    return [
        (f"{service}.{intent}", f"{service}: {intent}")
        for service, intents in names.services.items()
        for intent in intents
    ]

"""Cohorts in headers: how a request says to which one it belongs, is marked and recognised.

Used by the routes of all three directions. A cohort travels twice: in `x-fairway-cohort`, which the
mesh reads first, and as a member of W3C `baggage` (https://www.w3.org/TR/baggage/), which programs
with any tracing library pass on without knowing Fairway.
"""

from __future__ import annotations

import re

from fairway.targets.mesh.render.document import (
    Json,
)

COHORT = "x-fairway-cohort"
PREVIEW = "x-fairway-preview"
"""By this one testers ask for the candidate: with its cohort's label, or with `canary`."""
SHADOW = "x-fairway-shadow"
"""On copies of requests whose answers nobody gets."""
BAGGAGE = "baggage"
MEMBER = "fairway.cohort"

_ANY_CANDIDATE = "canary"


def marks(cohort: str) -> list[Json]:
    """The headers to set on a request of a cohort; the other members of its baggage survive."""
    return [_set(COHORT, cohort), _set(BAGGAGE, _with_member(cohort))]


def mark_copy(cohort: str) -> list[Json]:
    """The same as mutations of a copied request, which is marked as a copy too."""
    return [{"append": mark} for mark in (*marks(cohort), _set(SHADOW, "1"))]


def has_cohort(cohort: str) -> Json:
    """Matches the header of exactly this cohort."""
    return {"name": COHORT, "string_match": {"exact": cohort}}


def asks_for(cohort: str) -> Json:
    """Matches a tester who asks for the candidate of this cohort (empty: for whatever is new)."""
    regex = "|".join([re.escape(cohort), _ANY_CANDIDATE] if cohort else [_ANY_CANDIDATE])
    return {"name": PREVIEW, "string_match": {"safe_regex": {"regex": regex}}}


def carries(cohort: str) -> Json:
    """Matches baggage with this cohort as a member, whatever else is in it."""
    regex = rf"(.*,)?{_member(cohort)}([,;].*)?"
    return {"name": BAGGAGE, "string_match": {"safe_regex": {"regex": regex}}}


def _member(cohort: str) -> str:
    return rf"[ \t]*{re.escape(MEMBER)}[ \t]*=[ \t]*{re.escape(cohort)}[ \t]*"


def _with_member(cohort: str) -> str:
    """The baggage with this member in it, once, as one line: many programs read no second one.

    Envoy's CEL concatenates no strings, so there is one expression for each of the two parts.
    """
    member = f"{MEMBER}={cohort}"
    there = f"request.headers['{BAGGAGE}']"
    some = f"'{BAGGAGE}' in request.headers && {there} != ''"
    # A backslash would be CEL's own escape: the dots are quoted as classes.
    pattern = "(^|,) *" + member.replace(".", "[.]") + " *([,;]|$)"
    addition = f"{some} ? ({there}.matches('{pattern}') ? '' : ',{member}') : '{member}'"
    return f"%CEL({some} ? {there} : '')%%CEL({addition})%"


def _set(name: str, value: str) -> Json:
    header = {"key": name, "value": value}
    return {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}

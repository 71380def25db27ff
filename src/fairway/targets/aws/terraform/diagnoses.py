"""From Terraform's diagnostics to one error that says what, where and what to do. Pure.

`runner.py` calls it when a run has failed. What AWS means is decided by its error code, a field of
its APIs, and the type of the resource, never by its sentences; Terraform's own errors have no
codes, their summaries are constant and stand in for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fairway.errors import Conflict, FairwayError, Unavailable
from fairway.targets.aws.terraform.addresses import kind_of, service_of
from fairway.targets.aws.terraform.locks import Lock, lock_in
from fairway.targets.aws.terraform.messages import Diagnostic
from fairway.targets.aws.terraform.remedies import (
    FAILED,
    OWN_SUMMARIES,
    UNREACHABLE,
    Remedy,
    of_code,
    of_field,
    of_kind,
)

_CODE = re.compile(
    r"RequestID: [^,]*,(?: HostID: [^,]*,)? (?:api error )?([A-Za-z][\w.]*):"  # AWS SDK for Go 2
    r"|\b(?:api error) ([A-Za-z][\w.]*):"
    r"|^(?:Error: )?([A-Z][\w.]+): .*\n?\s*status code: \d+",  # AWS SDK for Go 1
    re.MULTILINE,
)
_STATUS = re.compile(r"StatusCode: (\d+)|status code: (\d+)")
_LONGEST = 300


def aws_code(diagnostic: Diagnostic) -> str:
    """The error code of AWS within it: `AccessDenied`; empty when AWS did not say it."""
    found = _CODE.search(diagnostic.text)
    return next((group for group in found.groups() if group), "") if found else ""


def held_lock(diagnostics: Sequence[Diagnostic]) -> Lock | None:
    """The lock that stopped a run, if that is what did."""
    return next((lock for each in diagnostics if (lock := lock_in(each.text))), None)


def error_of(diagnostics: Sequence[Diagnostic], said: str = "", doing: str = "") -> FairwayError:
    """The error of a failed run; `said` is what it wrote elsewhere, `doing` what was asked."""
    errors = [each for each in diagnostics if each.severity == "error"]
    if (lock := held_lock(errors)) is not None:
        return _locked(lock)
    if not errors:
        return _mute(said, doing)
    first, remedy = min(((each, remedy_of(each)) for each in errors), key=lambda pair: pair[1].rank)
    more = len(errors) - 1
    others = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
    return remedy.kind(
        remedy.code, f"{_short(first)}{others}", where=_where(first), remedy=remedy.words
    )


def remedy_of(diagnostic: Diagnostic) -> Remedy:
    """What kind of error it is and what helps."""
    if found := of_field(diagnostic.text):
        return found
    if found := of_code(aws_code(diagnostic), of_resource=bool(diagnostic.address)):
        return found
    if diagnostic.address and (found := of_kind(kind_of(diagnostic.address))):
        return found
    for summary, found in OWN_SUMMARIES.items():
        if diagnostic.summary.startswith(summary):
            return found
    return UNREACHABLE if _unanswered(diagnostic.text) else FAILED


def _unanswered(text: str) -> bool:
    """Status 0 is the SDK's word for no answer at all; 5xx is AWS's own trouble."""
    found = _STATUS.search(text)
    status = int(found.group(1) or found.group(2)) if found else None
    return status is not None and (status == 0 or status >= 500)


def _where(diagnostic: Diagnostic) -> str:
    """`orbit, aws_ecs_service.this`: the service first, then the place."""
    service = service_of(diagnostic.address)
    return ", ".join(part for part in (service, diagnostic.address) if part)


def _short(diagnostic: Diagnostic) -> str:
    """What happened in one line: AWS's request numbers help nobody who reads this."""
    text = re.sub(r" (?:RequestID|HostID): [^,]*,", "", diagnostic.summary)
    text = re.sub(r", https response error StatusCode: \d+,", ":", text)
    detail = diagnostic.detail.strip().partition("\n\n")[0]
    whole = " ".join(f"{text}{f': {detail}' if detail else ''}".split())
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}…"


def _locked(lock: Lock) -> Conflict:
    return Conflict(
        "state-locked",
        f"Terraform's state is locked: {lock.words}",
        where=lock.path,
        remedy=f"wait for it; if that process is certainly dead: terraform force-unlock {lock.id}",
    )


def _mute(said: str, doing: str) -> FairwayError:
    words = " ".join(said.split())[-_LONGEST:]
    return Unavailable(
        "terraform-failed",
        f"terraform {doing} ended without a reason{f': {words}' if words else ''}",
        remedy="try again; if it stays so, run it by hand in the folder of `fairway render`",
    )

"""What an analysis says: checks with their numbers, and the verdict that they add up to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["pass", "fail", "need_more_data"]
Unit = Literal["share", "seconds"]


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison, or one absolute limit, of one service.

    `candidate` and `stable` are what was seen, shares or seconds; None where nothing was. `limit`
    is the absolute limit, if it is one. `doubt_worse` bounds the chance that a release that is no
    worse looks this bad at any time; `doubt_fine` that one that is worse by the tolerance ever
    looks this good. Each decides once it is small enough. `worse_by`: where errors fail it, how
    much larger the candidate's share is at least, with the same certainty. `service` is the one
    that was compared.
    """

    name: str
    unit: Unit
    candidate: float | None
    stable: float | None
    candidate_requests: int
    stable_requests: int
    outcome: Outcome = "need_more_data"
    doubt_worse: float = 1.0
    doubt_fine: float = 1.0
    limit: float | None = None
    worse_by: float | None = None
    service: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one service's candidate, or (from `judge.overall`) of a whole release.

    `outcome` is strict: `pass` means that harm beyond the tolerances is excluded. A step that
    lasts a given time may go on when it is `harmless`: nothing fails or is under suspicion, and the
    candidate has answered at least the policy's minimum of requests since a warm-up. `requests`
    and `harmed` are the candidate's requests and its failed answers, `words` one sentence for
    people.
    """

    outcome: Outcome
    harmless: bool
    words: str
    checks: tuple[Check, ...]
    requests: int
    harmed: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def worst(outcomes: list[Outcome]) -> Outcome:
    """One failure fails all; passing takes everybody."""
    if "fail" in outcomes:
        return "fail"
    return "need_more_data" if "need_more_data" in outcomes or not outcomes else "pass"

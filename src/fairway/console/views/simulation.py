"""Who may call what, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fairway.control.policy_findings import CallerAnswer, ChangedDecision, PolicyNames, Simulation
from fairway.errors import InvalidInput

_NAMES = {"Service": "{}", "Client": "client {}", "Gateway": "anyone, through the gateway"}
_WEEKDAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What one principal would be answered. `depends` are the context keys that it turns on."""

    kind: str
    name: str
    who: str
    allowed: bool
    why: str
    policies: tuple[str, ...]
    depends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The whole answer: a sentence, then everyone, those who may first."""

    sentence: str
    situation: str
    rows: tuple[AnswerRow, ...]


def answered(found: Simulation, asked: str = "") -> Answered:
    """A simulation in words; `asked` is one principal, `Service::orbit`, or empty for all."""
    rows = sorted(map(_row, found.answers), key=lambda row: (not row.allowed, row.kind, row.name))
    chosen = [row for row in rows if f"{row.kind}::{row.name}" == asked]
    sentence = _of_one(chosen[0], found) if chosen else _of_all(rows, found)
    return Answered(sentence, _situation(found.context), tuple(chosen or rows))


def context_of(names: PolicyNames, given: Mapping[str, str]) -> dict[str, Any]:
    """What was typed into a form, as the policies take it; what is as usual is left out."""
    found: dict[str, Any] = {}
    for key, kind in names.keys.items():
        text = given.get(key, "").strip()
        if text == "" or text == str(names.context.get(key, "")):
            continue
        found[key] = _number(key, text) if kind == "number" else text
    return found


def changed_words(changed: Iterable[ChangedDecision]) -> tuple[tuple[bool, str], ...]:
    """What a text would change: whether it allows, and a sentence."""
    return tuple(
        (
            each.allowed,
            f"{_who(each.kind, each.name)} {'may' if each.allowed else 'may no longer'} "
            f"ask {each.service} to {each.intent}",
        )
        for each in changed
    )


def _number(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(
            "invalid-context", f"{key} is a number, not '{text[:40]}'", where=key
        ) from None


def _row(answer: CallerAnswer) -> AnswerRow:
    return AnswerRow(
        answer.kind,
        answer.name,
        _who(answer.kind, answer.name),
        answer.allowed,
        answer.reason,
        answer.policies,
        answer.reads,
    )


def _who(kind: str, name: str) -> str:
    return _NAMES.get(kind, "{}").format(name)


def _of_one(row: AnswerRow, found: Simulation) -> str:
    verb = "may" if row.allowed else "may not"
    return f"{row.who} {verb} ask {found.service} to {found.intent}: {row.why}"


def _of_all(rows: Iterable[AnswerRow], found: Simulation) -> str:
    allowed = [row.who for row in rows if row.allowed]
    what = f"ask {found.service} to {found.intent}"
    if not allowed:
        return f"Nobody may {what}."
    *others, last = allowed
    return f"{', '.join(others)} and {last} may {what}." if others else f"Only {last} may {what}."


def _situation(context: Mapping[str, Any]) -> str:
    """What is supposed, where it is not as usual."""
    parts = []
    for key, value in sorted(context.items()):
        weekday = key == "weekday" and value in range(1, 8)
        parts.append(f"{key} is {_WEEKDAYS[value] if weekday else value}")
    return "supposing that " + ", ".join(parts) if parts else ""

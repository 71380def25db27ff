"""What a hop of a trace has to say, in one or two words each: the badges of a span.

Envoy and the runtime library leave it in the attributes `fairway.*` of their spans; what an SDK
says by the semantic conventions is understood too. `waterfall` shows the result. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fairway.telemetry.port import Attributes, Span

BadgeKind = Literal[
    "allow", "deny", "error", "status", "retries", "breaker", "flag", "cohort", "version", "skew",
    "orphan",
]  # fmt: skip
FLAGS = {
    "DC": "the caller hung up",
    "DI": "delayed by fault injection",
    "DPE": "the caller did not speak HTTP correctly",
    "FI": "aborted by fault injection",
    "LH": "the callee failed its health check",
    "LR": "reset by the proxy",
    "NC": "the cluster is not known",
    "NR": "no route matches",
    "RL": "rate limited",
    "SI": "the stream was idle for too long",
    "UAEX": "refused by external authorisation",
    "UC": "the callee ended the connection",
    "UF": "could not connect to the callee",
    "UH": "no healthy callee",
    "UMSDR": "took longer than its whole deadline allows",
    "UO": "the circuit breaker is open",
    "UPE": "the callee did not speak HTTP correctly",
    "UR": "reset by the callee",
    "URX": "every allowed attempt failed",
    "UT": "the callee took too long",
}
"""Envoy's response flags in words
(https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage)."""
_BREAKER = "UO"
_STATUS = ("http.response.status_code", "http.status_code")


@dataclass(frozen=True, slots=True)
class Badge:
    """`kind` decides the look, `text` is what stands there, `title` says it in a sentence."""

    kind: BadgeKind
    text: str
    title: str = ""


def badges(span: Span) -> tuple[Badge, ...]:
    """What stands beside a span, the gravest first."""
    found = (
        *_failure(span),
        *_decision(span.attributes),
        *_flags(span.attributes),
        *_retries(span.attributes),
        *_cohort(span),
    )
    return tuple(found)


def status_code(attributes: Attributes) -> int | None:
    """The HTTP status of a span, by the present and by the former convention."""
    for name in _STATUS:
        text = said(attributes, name)
        if text.isdecimal():
            return int(text)
    return None


def said(attributes: Attributes, name: str) -> str:
    """An attribute as text; empty when it is not there, or when Envoy had nothing to fill in."""
    value = attributes.get(name)
    if value is None or value == "-":
        return ""
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return str(value)


def _failure(span: Span) -> list[Badge]:
    code = status_code(span.attributes)
    if span.status == "error" or (code is not None and code >= 500):
        text = f"error {code}" if code else "error"
        return [Badge("error", text, span.message or said(span.attributes, "error.type"))]
    if code is not None and code >= 400:
        return [Badge("status", str(code), "answered with a status of 4xx")]
    return []


def _decision(attributes: Attributes) -> list[Badge]:
    verdict = said(attributes, "fairway.decision")
    if verdict not in ("allow", "deny"):
        return []
    policies = said(attributes, "fairway.policies")
    reason = said(attributes, "fairway.reason")
    words = {"allow": "allowed", "deny": "denied"}[verdict]
    title = words + (f" by {policies}" if policies else "") + (f": {reason}" if reason else "")
    return [Badge("allow" if verdict == "allow" else "deny", words, title)]


def _flags(attributes: Attributes) -> list[Badge]:
    names = said(attributes, "fairway.flags") or said(attributes, "response_flags")
    found = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        if name == _BREAKER:
            found.append(Badge("breaker", "breaker open", FLAGS[name]))
        else:
            found.append(Badge("flag", name, FLAGS.get(name, "a response flag of Envoy")))
    return found


def _retries(attributes: Attributes) -> list[Badge]:
    attempts = said(attributes, "fairway.attempts")
    if attempts.isdecimal() and int(attempts) > 1:
        again = int(attempts) - 1
        words = "1 retry" if again == 1 else f"{again} retries"
        return [Badge("retries", words, f"sent {attempts} times")]
    return []


def _cohort(span: Span) -> list[Badge]:
    cohort = said(span.attributes, "fairway.cohort")
    version = said(span.attributes, "fairway.version") or span.version
    found = []
    if cohort:
        found.append(Badge("cohort", f"cohort {cohort}", "travels with the request, hop by hop"))
    if version:
        found.append(Badge("version", version, f"{span.service} {version} served it"))
    return found

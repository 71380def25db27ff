"""A decision asked for over HTTP or by a function call: one document in, one document out.

`POST /api/v1/decide` and the AWS Lambda handler both use `DecisionDesk`, so they answer alike. What
ever is malformed is denied with a reason that says what is wrong; nothing raises. Every decision is
recorded in the audit log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fairway_runtime.policy.audit import Entry, decision_entry
from fairway_runtime.policy.engine import KINDS, Decision, PolicyEngine, Principal

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A well-formed request for a decision."""

    principal: Principal
    service: str
    intent: str
    context: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision; `understood` is False when the request was malformed (HTTP 400)."""

    decision: Decision
    understood: bool

    @property
    def status(self) -> int:
        """The HTTP status: 200 for a decision either way, 400 for a malformed request."""
        return 200 if self.understood else 400

    @property
    def document(self) -> Document:
        """The body: `{allowed, reason, policies, policy_set, decision_id}`."""
        return {
            "allowed": self.decision.allowed,
            "reason": self.decision.reason,
            "policies": list(self.decision.policies),
            "policy_set": self.decision.policy_set,
            "decision_id": self.decision.decision_id,
        }


class DecisionDesk:
    """Answers documents by the engine of the moment (`engine` is asked anew each time)."""

    def __init__(self, engine: Callable[[], PolicyEngine], record: Callable[[Entry], None]) -> None:
        self._engine = engine
        self._record = record

    def answer_json(self, body: str | bytes) -> Answer:
        """Answer a request body; text that is not JSON is malformed."""
        try:
            document = json.loads(body)
        except ValueError as error:
            return self._refuse(f"the request is not JSON: {error}")
        except RecursionError:
            return self._refuse("the request is nested too deeply")
        return self.answer(document)

    def answer(self, document: object) -> Answer:
        """Answer `{"principal": {"kind", "name"}, "service", "intent", "context"}`."""
        if not _is_unicode(document):
            return self._refuse("the request holds half a surrogate pair, or no JSON values")
        question = read_question(document)
        if isinstance(question, str):
            return self._refuse(question)
        asked = (question.principal, question.service, question.intent)
        decision = self._engine().decide(*asked, question.context)
        self._record(decision_entry(decision, *asked))
        return Answer(decision, understood=True)

    def _refuse(self, reason: str) -> Answer:
        decision = self._engine().refuse(reason)
        self._record(
            Entry(
                "decision",
                allowed=False,
                reason=reason,
                policy_set=decision.policy_set,
                decision_id=decision.decision_id,
            )
        )
        return Answer(decision, understood=False)


def read_question(document: object) -> Question | str:
    """The question in a document, or what is wrong with the document."""
    if not isinstance(document, dict):
        return "the request must be a JSON object"
    unknown = document.keys() - {"principal", "service", "intent", "context"}
    if unknown:
        return f"the request has an unknown key '{min(unknown)}'"
    principal = _read_principal(document.get("principal"))
    if isinstance(principal, str):
        return principal
    service, intent = document.get("service"), document.get("intent")
    if not (isinstance(service, str) and service and isinstance(intent, str) and intent):
        return "service and intent must be non-empty texts"
    context = document.get("context", {})
    if not isinstance(context, dict):
        return "the context must be a JSON object"
    return Question(principal, service, intent, context)


def _is_unicode(document: object) -> bool:
    """Whether every text in it can be written down: what cannot would spoil answer and audit."""
    try:
        return bool(json.dumps(document, ensure_ascii=False).encode())
    except (ValueError, TypeError, RecursionError):
        return False


def _read_principal(value: object) -> Principal | str:
    if not isinstance(value, dict) or value.keys() != {"kind", "name"}:
        return 'the principal must be {"kind": …, "name": …}'
    kind, name = value["kind"], value["name"]
    if not isinstance(kind, str) or kind not in KINDS:
        return f"the principal's kind must be one of: {', '.join(sorted(KINDS))}"
    if not isinstance(name, str) or not name:
        return "the principal's name must be a non-empty text"
    match kind:
        case "Client":
            return Principal("Client", name)
        case "Gateway":
            return Principal("Gateway", name)
        case _:
            return Principal("Service", name)

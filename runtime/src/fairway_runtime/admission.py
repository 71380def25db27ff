"""May this request reach its handler? Verification, then decision, without any I/O of its own.

Called by `asgi.py` with the head of every request but the health check. The intent is derived from
method and path, never from a header; whatever is not clearly allowed is refused. A refusal's
`reason` is logged, its `answer` is all that the caller learns: why a signature failed is nobody's
business, why a policy denied is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from fairway_runtime.intents import IntentRoute, IntentTable, normalise
from fairway_runtime.peer import GATEWAY, Peer, parse_peer
from fairway_runtime.policy.bundle import BundleService, PolicyBundle
from fairway_runtime.policy.engine import Context, Decision, DecisionIds, Kind, Principal
from fairway_runtime.sigv4 import SignatureRefused, Verified, Verifier
from fairway_runtime.sigv4.canonical import FoldedHeaders

PUBLIC = Principal("Gateway", "public")
Source = Literal["mesh", "gateway", "direct"]
_SCHEME = b"AWS4-HMAC-SHA256"
_UNAUTHENTICATED = {"error": "unauthenticated", "reason": "a valid signature is required"}


class Engine(Protocol):
    """What `PolicyEngine` does for us."""

    def decide(self, principal: Principal, service: str, intent: str, context: Context) -> Decision:
        """The answer, always."""
        ...

    def settled(self, principal: Principal, service: str, intent: str) -> Decision | None:
        """The answer, if no policy that matters reads the context and it was asked before."""
        ...


class Governance(NamedTuple):
    """One version of what is allowed: replaced as a whole when a new bundle arrives."""

    bundle: PolicyBundle
    engine: Engine
    callee: BundleService
    table: IntentTable


class Head(NamedTuple):
    """The head of a request; `path` and `query` are raw, as they came on the wire."""

    method: str
    path: bytes
    query: bytes
    headers: FoldedHeaders
    websocket: bool = False


class Admission(NamedTuple):
    """A request that may pass, once its body has the signed hash (`body_hash`, if any).

    `path` is the normalised path that was decided on: the handler must see this one, or a path
    like `/admin/../open` would be decided as one thing and handled as another.
    """

    path: str
    caller: Principal
    intent: IntentRoute | None
    decision: Decision | None
    source: Source
    verified: Verified | None

    @property
    def hashed(self) -> bool:
        """Whether the body must be read and compared before the handler runs."""
        return self.verified is not None and self.verified.body_hash is not None


class Subject(NamedTuple):
    """What was known of a request when it was refused."""

    caller: Principal | None = None
    intent: str | None = None
    decision: Decision | None = None


_UNKNOWN = Subject()


class Refused(Exception):
    """A request that may not pass."""

    def __init__(
        self,
        status: int,
        reason: str,
        answer: dict[str, str] | None = None,
        subject: Subject = _UNKNOWN,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.answer = answer or _UNAUTHENTICATED
        self.caller, self.intent, self.decision = subject


class Place(NamedTuple):
    """Where we are: the trust domain `<app>.<environment>`, this service, its release."""

    domain: str
    service: str
    release: str


class Gatekeeper:
    """Admits or refuses requests to one service of one environment."""

    def __init__(
        self,
        place: Place,
        verifier: Verifier,
        governance: Callable[[], Governance],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._place = place
        self._verifier = verifier
        self._governance = governance
        self._clock = clock
        self._new_id = DecisionIds()

    def admit(self, head: Head) -> Admission:
        """Let a request pass, or raise Refused."""
        peer = self._peer(head.headers)
        if head.headers.values.get(b"authorization", b"").startswith(_SCHEME):
            return self._admit_signed(head, peer)
        if peer is not None and peer.name == GATEWAY:
            return self._admit_public(head)
        raise Refused(401, "the request is not signed")

    def _peer(self, headers: FoldedHeaders) -> Peer | None:
        value = headers.values.get(b"x-forwarded-client-cert")
        if value is None:
            return None
        peer = parse_peer(value)
        if peer is None or peer.domain != self._place.domain:
            raise Refused(401, "the mesh peer has no identity of this app and environment")
        return peer

    def _admit_signed(self, head: Head, peer: Peer | None) -> Admission:
        verified = self._verify(head)
        if peer is not None and peer.name not in (GATEWAY, verified.caller):
            raise Refused(401, f"signed by {verified.caller}, but the mesh peer is {peer.name}")
        caller = Principal(_kind(verified.kind), verified.caller)
        governance = self._governance()
        path = normalise(head.path.decode("latin-1"))
        intent = governance.table.match_normalised(head.method, path) if path is not None else None
        if path is None or intent is None:
            raise self._no_intent(governance, caller)
        _check_payload(head, verified, intent, caller)
        source: Source = "direct" if peer is None else "mesh"
        if peer is not None and peer.name == GATEWAY:
            source = "gateway"
        decision = self._decide(governance, caller, intent, (head, path, source))
        return Admission(path, caller, intent, decision, source, verified)

    def _verify(self, head: Head) -> Verified:
        try:
            return self._verifier.verify(head.method, head.path, head.query, head.headers)
        except SignatureRefused as error:
            raise Refused(401, error.reason) from error

    def _admit_public(self, head: Head) -> Admission:
        governance = self._governance()
        path = normalise(head.path.decode("latin-1"))
        if path is None or not governance.callee.opens(path):
            raise Refused(401, "unsigned, and on no public route")
        intent = governance.table.match_normalised(head.method, path)
        if intent is None:
            return Admission(path, PUBLIC, None, None, "gateway", None)
        decision = self._decide(governance, PUBLIC, intent, (head, path, "gateway"))
        return Admission(path, PUBLIC, intent, decision, "gateway", None)

    def _decide(
        self,
        governance: Governance,
        caller: Principal,
        intent: IntentRoute,
        request: tuple[Head, str, Source],
    ) -> Decision:
        asked = (caller, self._place.service, intent.name)
        # Most policies read no context: then it is not put together, which saves 3 µs.
        decision = governance.engine.settled(*asked)
        if decision is None:
            context = self._context(governance, caller, request)
            decision = governance.engine.decide(*asked, context)
        if not decision.allowed:
            raise _denied(caller, intent.name, decision)
        return decision

    def _no_intent(self, governance: Governance, caller: Principal) -> Refused:
        """What matches no intent is a denial like any other: with an id, and audited."""
        reason = "method and path match no intent of this service"
        version = governance.bundle.version
        return _denied(caller, "", Decision(False, reason, (), version, self._new_id()))

    def _context(
        self, governance: Governance, caller: Principal, request: tuple[Head, str, Source]
    ) -> Context:
        head, path, source = request
        hour, weekday = hour_and_weekday(int(self._clock()))
        cohort = head.headers.values.get(b"x-fairway-cohort", b"").decode("latin-1")
        return {
            "environment": governance.bundle.environment,
            "method": head.method,
            "path": path,
            "release": self._place.release,
            "signed": caller is not PUBLIC,
            "cohort": cohort,
            "hour": hour,
            "weekday": weekday,
            "source": source,
        }


def hour_and_weekday(now: int) -> tuple[int, int]:
    """Hour (0 to 23) and ISO weekday (1 is Monday) of a Unix time, in UTC."""
    # 1970-01-01 was a Thursday, the fourth day of the week.
    return now // 3600 % 24, (now // 86_400 + 3) % 7 + 1


def _kind(kind: str) -> Kind:
    match kind:
        case "Service" | "Client":
            return kind
        case _:
            raise Refused(401, f"the key belongs to a {kind!r}, which is no kind of caller")


def _check_payload(head: Head, verified: Verified, intent: IntentRoute, caller: Principal) -> None:
    if intent.stream or (verified.body_hash is not None and not head.websocket):
        return
    what = "a WebSocket" if head.websocket else "an unsigned payload"
    reason = f"{what} on an intent that is not marked stream"
    raise Refused(401, reason, subject=Subject(caller, intent.name))


def _denied(caller: Principal, intent: str, decision: Decision) -> Refused:
    answer = {
        "error": "denied",
        "reason": decision.reason,
        "decision_id": decision.decision_id,
    }
    return Refused(403, decision.reason, answer, Subject(caller, intent, decision))

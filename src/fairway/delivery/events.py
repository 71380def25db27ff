"""What happens to deployments, as CloudEvents 1.0 with a published JSON Schema for each type.

The store keeps announcements as events of an environment; `cloud_event` gives one the form in which
the world gets it: on the event bus, by webhooks, in the schemas under `docs/events/`, which
`python -m fairway.delivery.events docs/events` writes. Pure. It guarantees that an event sent twice
has the same `source` and `id`, and that no two events of an environment have the same. Types only
ever gain fields; what would break a reader gets a new type that ends in `.v2`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fairway.delivery.port import DeliveryEvent

Json = dict[str, Any]
_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer", "minimum": 0}
_PERCENT: Json = {"type": "integer", "minimum": 0, "maximum": 100}
_WHEN: Json = {"type": "number", "description": "Unix seconds"}
_OUTCOME: Json = {"enum": ["pass", "fail", "inconclusive"]}
_PHASE: Json = {"enum": ["pre_deploy", "pre_shift", "post_shift", "post_deploy"]}
_DRIFT: Json = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["kind", "subject", "expected", "found"],
        "properties": dict.fromkeys(("kind", "subject", "expected", "found", "repair"), _TEXT),
    },
}


@dataclass(frozen=True, slots=True)
class EventType:
    """A type: what it says, and the fields of its data; `also` may be absent."""

    name: str
    says: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    also: Mapping[str, Json] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The `type` of its CloudEvents: `io.fairway.deployment.started.v1`."""
        return type_of(self.name)


_RELEASE = {"release": _NUMBER}
_BY = _RELEASE | {"by": _TEXT}
_REASON = _RELEASE | {"reason": _TEXT}
_ENDED = _REASON | {"status": _TEXT}
TYPES: tuple[EventType, ...] = (
    EventType("DeploymentQueued", "Someone wants a release deployed.", _BY),
    EventType("DeploymentStarted", "It is its turn: the deployment begins.", _BY),
    EventType("PlanConfirmed", "What the plan was computed from is still so.", _RELEASE),
    EventType(
        "DeploymentReplanned",
        "Another deployment ended before its turn, so it is planned anew after release `base`.",
        _RELEASE | {"base": _NUMBER},
    ),
    EventType(
        "ApprovalRequested",
        "It waits until enough people agree.",
        _RELEASE
        | {"count": _NUMBER, "roles": {"type": "array", "items": _TEXT}, "deadline": _WHEN},
    ),
    EventType("ApprovalGiven", "Someone agreed; `words` say whether it is enough.", _BY),
    EventType("DeploymentRejected", "Someone refused it, or nobody agreed in time.", _REASON),
    EventType("VersionStarted", "The new versions run, without requests yet.", _RELEASE),
    EventType(
        "PoliciesGoverned", "The release's policies decide.", _RELEASE | {"policy_set": _NUMBER}
    ),
    EventType(
        "WeightShifted",
        "Requests are divided anew: `weight` percent go to the new versions.",
        _RELEASE | {"weight": _PERCENT},
        {"mirror": _PERCENT, "stage": _NUMBER, "stages": _NUMBER},
    ),
    EventType(
        "AnalysisCompleted",
        "The comparison of new and old versions came to a verdict.",
        _RELEASE | {"outcome": _OUTCOME, "stage": _NUMBER},
    ),
    EventType("DeploymentPaused", "It stays as it is until someone says how to go on.", _REASON),
    EventType("DeploymentResumed", "It goes on where it was paused.", _BY),
    EventType("DeploymentPromoted", "Someone sent it on without waiting for a verdict.", _BY),
    EventType(
        "HookCompleted",
        "The hooks of a phase have run; `failed` is there when one of them did not succeed.",
        _RELEASE | {"phase": _PHASE},
        {"failed": {"const": True}},
    ),
    EventType("DeploymentSucceeded", "The release is in force, the old versions are gone.", _ENDED),
    EventType("RollbackStarted", "It goes back to what was before.", _REASON),
    EventType("DeploymentRolledBack", "Everything is as it was before.", _ENDED),
    EventType("DeploymentFailed", "It ended, and a person has to look at it.", _ENDED),
    EventType("DeploymentCancelled", "It ended before anything was changed.", _ENDED),
    EventType("EmergencyOverride", "Someone skipped the gates.", _BY | {"reason": _TEXT}),
    EventType("DriftDetected", "What runs is not what should.", {"drift": _DRIFT}),
    EventType("DriftRepaired", "What runs is again what should.", {"by": _TEXT, "drift": _DRIFT}),
    EventType(
        "PolicyActivated",
        "Another policy set decides, without a deployment.",
        {"policy_set": _NUMBER, "by": _TEXT},
        {"previous": _NUMBER},
    ),
)


def type_of(name: str) -> str:
    """The CloudEvents type of an announcement's: `DeploymentRolledBack` is `….rolled-back.v1`."""
    subject, *what = re.findall(r"[A-Z][a-z0-9]*", name)
    return f"io.fairway.{subject.lower()}.{'-'.join(what).lower()}.v1"


def cloud_event(app: str, environment: str, event: DeliveryEvent) -> Json:
    """An event in the structured JSON form of CloudEvents 1.0 (application/cloudevents+json)."""
    found: Json = {
        "specversion": "1.0",
        "id": f"{app}.{environment}.{event.id}",
        "source": f"/apps/{app}/environments/{environment}",
        "type": type_of(event.type),
        "time": datetime.fromtimestamp(event.at, UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {**event.data, "app": app, "environment": environment, "words": event.words},
    }
    return found | ({"subject": event.deployment} if event.deployment else {})


def schema_of(kind: EventType) -> Json:
    """The JSON Schema (2020-12) of a type's CloudEvents."""
    fields = {"app": _TEXT, "environment": _TEXT, "words": _TEXT, **kind.fields}
    data = {"type": "object", "required": sorted(fields), "properties": {**fields, **kind.also}}
    attributes = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "format": "uri-reference", "pattern": "^/apps/"},
        "type": {"const": kind.type},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "data": data,
    }
    subject = {"subject": {"type": "string", "description": "the id of the deployment"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.name,
        "description": kind.says,
        "type": "object",
        "required": sorted(attributes),
        "properties": {**attributes, **subject},
    }


def schema_files() -> dict[str, str]:
    """The published schemas, by file name."""
    return {
        f"{kind.type}.json": json.dumps(schema_of(kind), indent=2, sort_keys=True) + "\n"
        for kind in TYPES
    }


if __name__ == "__main__":
    for _name, _text in schema_files().items():
        (Path(sys.argv[1]) / _name).write_text(_text, encoding="utf-8")

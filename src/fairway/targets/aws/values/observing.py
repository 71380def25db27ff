"""observability.auto.tfvars: objectives and who hears of alarms. Pure."""

from __future__ import annotations

from fairway.model.app import Slo
from fairway.targets.aws.values.hcl import Assign, Value
from fairway.targets.aws.values.place import Place

_USUAL_WINDOW = 30


def observing(place: Place) -> tuple[Assign, ...]:
    """The variables `slos` and `alarms`; none of them where there is nothing."""
    slos = {name: _slo(slo) for name, slo in sorted(place.app.slos.items())}
    emails = list(place.environment.aws.alarms)
    return (
        *([Assign("slos", slos, "slos of the app file; latencies in seconds.")] if slos else []),
        *([Assign("alarm_emails", emails, apart=True)] if emails else []),
    )


def _slo(slo: Slo) -> Value:
    found: dict[str, Value] = {"service": slo.service}
    if slo.intent is not None:
        found["intent"] = slo.intent
    for key in ("availability", "p95", "p99"):
        value = getattr(slo, key)
        if value is not None:
            found[key] = value
    days = round(slo.window / 86400) or 1
    if days != _USUAL_WINDOW:
        found["window_days"] = days
    return found

"""app.auto.tfvars: which environment, where, in which network, under which domain. Pure."""

from __future__ import annotations

from fairway import __version__
from fairway.model.aws import Aws, Network
from fairway.targets.aws import names
from fairway.targets.aws.values.hcl import Assign, Value
from fairway.targets.aws.values.place import Place
from fairway.targets.aws.values.retention import log_days


def environment(place: Place) -> tuple[Assign, ...]:
    """The variables that say where everything belongs."""
    return (
        Assign("app", place.app.app),
        Assign("environment", place.standing.environment),
        Assign("name", place.name),
        *_where(place),
        *_network(place),
        *_public(place),
        *_running(place),
        *_operators(place),
    )


def _where(place: Place) -> tuple[Assign, ...]:
    assigns = [Assign("region", place.region)]
    if place.role != "primary":
        assigns.append(Assign("role", place.role))
        assigns.append(Assign("lead_region", place.lead))
    elif len(place.regions) > 1:
        assigns.append(Assign("second_region", place.regions[1]))
    account = place.environment.aws.account
    if account is not None:
        assigns.append(Assign("account", account))
    return tuple(assigns)


def _network(place: Place) -> tuple[Assign, ...]:
    network, usual = place.environment.aws.network, Network.model_construct()
    value: dict[str, Value] = {"cidr": place.cidr}
    if network.zones != usual.zones:
        value["zones"] = network.zones
    if network.nat != usual.nat:
        value["nat"] = network.nat
    comment = (
        f"aws.network of the app file; region {place.number + 1} of {len(place.regions)} has the "
        f"{_nth(place.number)} block."
    )
    return (Assign("network", value, comment, apart=True),)


def _public(place: Place) -> tuple[Assign, ...]:
    aws = place.environment.aws
    if aws.domain is None:
        return ()
    assigns = [
        Assign("domain", aws.domain, "Public services answer here.", apart=True),
        *([Assign("hosted_zone", aws.hosted_zone)] if aws.hosted_zone else []),
        *([] if aws.waf else [Assign("waf", False)]),
    ]
    return tuple(assigns)


def _running(place: Place) -> tuple[Assign, ...]:
    aws, usual = place.environment.aws, Aws.model_construct()
    assigns = [Assign("fairway_version", __version__, "Its sidecar has this tag in the registry.")]
    if aws.logs != usual.logs:
        assigns.append(Assign("log_retention", log_days(aws.logs)))
    if aws.spot != usual.spot:
        assigns.append(Assign("spot_percent", aws.spot))
    if not place.traces:
        assigns.append(Assign("traces", False))
    telemetry = place.environment.telemetry
    if telemetry.otlp is not None:
        assigns.append(Assign("otlp", telemetry.otlp))
    if not aws.cross_region_backups and len(place.regions) > 1:
        assigns.append(Assign("copy_backups", False))
    return _apart(assigns)


def _operators(place: Place) -> tuple[Assign, ...]:
    server = names.role(place.app.app, place.standing.environment, "server-task", place.lead)
    comment = "The control plane sets secrets and renews the authority of the mesh."
    if not place.environment.aws.operators:
        return (Assign("operators", [server], comment),)
    comment += "\nSo do the roles under aws.operators of the app file."
    return (Assign("operators", [server, *place.environment.aws.operators], comment),)


def _apart(assigns: list[Assign]) -> tuple[Assign, ...]:
    """The same with an empty line before the first."""
    return tuple(
        Assign(each.name, each.value, each.comment, apart=index == 0)
        for index, each in enumerate(assigns)
    )


def _nth(number: int) -> str:
    return ("first", "second", "third")[number] if number < 3 else f"{number + 1}th"

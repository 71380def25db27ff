"""services.auto.tfvars: what runs, in which versions, how large, and which secrets renew. Pure.

One entry for each service that runs; a static site is none of them (`edge.py`). What follows from
an entry alone (variables that Fairway sets, names, target groups) is left to the root module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.model.aws import AwsRotation
from fairway.model.services import Health, Scale, Schedule, Service, Stop
from fairway.targets.aws import names
from fairway.targets.aws.standing.state import SLOTS, StandingVersion
from fairway.targets.aws.values.hcl import Assign, Note, Value
from fairway.targets.aws.values.place import FIRST, Place
from fairway.targets.aws.values.sizes import Size, task_size

_DAY = 86400
_DAYS = {
    "mon": "MON",
    "tue": "TUE",
    "wed": "WED",
    "thu": "THU",
    "fri": "FRI",
    "sat": "SAT",
    "sun": "SUN",
}
_KINDS = {"worker": "worker", "job": "job"}


def services(place: Place) -> tuple[Assign, ...]:
    """The variables `services` and, where there is something to renew, `rotation`."""
    entries: dict[str, Value] = {
        name: Note(_service(place, name, service), f"services.{name} of the app file")
        for name, service in sorted(place.app.services.items())
        if service.kind != "static"
    }
    return (Assign("services", entries), *_rotation(place))


def _rotation(place: Place) -> Iterator[Assign]:
    rotation, usual = place.environment.aws.rotation, AwsRotation.model_construct()
    if rotation.secrets:
        comment = "aws.rotation of the app file: these secrets are renewed by themselves."
        yield Assign("rotation", dict(sorted(rotation.secrets.items())), comment, apart=True)
        if rotation.every != usual.every:
            yield Assign("rotation_days", round(rotation.every / _DAY))


def _service(place: Place, name: str, service: Service) -> Value:
    size = _size(place, name, service)
    return {
        **_what(place, name, service),
        **_running(service),
        "cpu": Note(size.cpu, _why_this_size(place, name, service)),
        "memory": size.memory,
        **_scaling(service),
        **_neighbours(place, name, service),
        "versions": {v.name: _version(place, name, service, v) for v in _versions(place, name)},
    }


def _what(place: Place, name: str, service: Service) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if service.kind in _KINDS:
        found["kind"] = _KINDS[service.kind]
    if service.library:
        found["library"] = True
    if service.public:
        found["public"] = True
    if not place.in_mesh(name, service):
        found["mesh"] = False
        found["target_groups"] = {
            slot: names.target_group(place.app.app, place.standing.environment, name, slot)
            for slot in SLOTS
        }
    return found


def _running(service: Service) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if service.port is not None:
        found["port"] = service.port
    if service.speaks == "http2":
        found["protocol"] = "GRPC" if service.kind == "grpc" else "HTTP2"
    health = _health(service.health)
    if health:
        found["health"] = health
    if service.stop != Stop():
        found["stop_timeout"] = _whole(service.stop.grace)
    return found


def _health(health: Health) -> dict[str, Value]:
    usual = Health()
    pairs: tuple[tuple[str, str], ...] = (
        ("interval", "interval"),
        ("timeout", "timeout"),
        ("healthy", "healthy"),
        ("unhealthy", "unhealthy"),
        ("start_timeout", "start"),
    )
    found: dict[str, Value] = {} if health.path is None else {"path": health.path}
    for ours, theirs in pairs:
        value = getattr(health, ours)
        if value != getattr(usual, ours):
            found[theirs] = value
    return found


def _size(place: Place, name: str, service: Service) -> Size:
    mesh = place.in_mesh(name, service)
    return task_size(service.resources, sidecar=mesh, collector=place.traces)


def _why_this_size(place: Place, name: str, service: Service) -> str:
    resources = service.resources
    parts = [
        f"{resources.cpu:g} vCPU and {resources.memory // 2**20} MiB of its own",
        *(["its sidecar"] if place.in_mesh(name, service) else []),
        *(["the collector"] if place.traces else []),
    ]
    return f"{', '.join(parts)}: the next size of Fargate"


def _scaling(service: Service) -> dict[str, Value]:
    scale = service.scale
    if scale is None or service.replicas is not None:
        return {}
    measures = {
        name: value
        for name in ("cpu", "memory", "requests", "queue")
        if (value := getattr(scale, name)) is not None
    }
    schedule: dict[str, Value] = {}
    if scale.schedule:
        schedule["schedule"] = [_scheduled(scale, each) for each in scale.schedule]
    return {"scale": {"min": scale.min, "max": scale.max, **measures, **schedule}}


def _scheduled(scale: Scale, schedule: Schedule) -> Value:
    hour, minute = schedule.at.split(":")
    days = (
        "*" if len(schedule.days) == len(_DAYS) else ",".join(_DAYS[day] for day in schedule.days)
    )
    of_month = "*" if days == "*" else "?"
    return {
        "name": f"{hour}{minute}-{'daily' if days == '*' else '-'.join(schedule.days)}",
        "cron": f"{int(minute)} {int(hour)} {of_month} * {'?' if days == '*' else days} *",
        "timezone": schedule.zone,
        "min": schedule.min,
        "max": schedule.max or max(scale.max, schedule.min),
    }


def _neighbours(place: Place, name: str, service: Service) -> dict[str, Value]:
    """Whom it talks to: security groups, variables and queues follow from it."""
    secrets = secrets_in_use(place, name, service)
    lists: Mapping[str, tuple[str, ...]] = {
        "calls": tuple(sorted(service.calls)),
        "stores": service.stores,
        "subscribes": service.subscribes,
        "publishes": service.publishes,
        "secrets": secrets,
    }
    return {key: list(names_) for key, names_ in lists.items() if names_}


def secrets_in_use(place: Place, name: str, service: Service) -> tuple[str, ...]:
    """Those of all its versions: each is there as long as one of them reads it."""
    of_versions = [each for version in place.versions(name) for each in version.service.secrets]
    return tuple(dict.fromkeys((*service.secrets, *of_versions)))


def _versions(place: Place, name: str) -> tuple[StandingVersion, ...]:
    standing = place.versions(name)
    if standing:
        return standing
    service = place.app.services[name]
    declared = service.model_dump(mode="json", by_alias=True, exclude_none=True)
    first = StandingVersion(FIRST, declared, service.image or "", "", service.desired_replicas, 100)
    return (first,)


def _version(place: Place, name: str, service: Service, version: StandingVersion) -> Value:
    """A version, with what is different from the service as it is declared now."""
    own = version.service
    found: dict[str, Value] = {}
    if image := _image(place, version):
        found["image"] = image
    found["replicas"] = version.replicas
    if version.slot != SLOTS[0]:
        found["slot"] = version.slot
    if own.run is not None and own.image is not None:
        found["command"] = ["/bin/sh", "-c", own.run]
    if own.env:
        found["environment"] = dict(own.env)
    if own.port != service.port:
        found["port"] = own.port
    size, usual = _size(place, name, own), _size(place, name, service)
    if size != usual:
        found |= {"cpu": size.cpu, "memory": size.memory}
    if set(own.secrets) != set(secrets_in_use(place, name, service)):
        found["secrets"] = list(own.secrets)
    if own.config:
        found["has_config"] = True
    return found


def _image(place: Place, version: StandingVersion) -> str:
    """Its image, pulled from the copy of the registry in this region."""
    return version.image.replace(f".ecr.{place.lead}.", f".ecr.{place.region}.")


def _whole(seconds: float) -> int:
    return max(1, round(seconds))

"""Which version answers a request, once it is known that it may be asked. First match wins:

    1. the header of a cohort   that cohort's version, also at weight 0
    2. a tester's wish          the candidate
    3. baggage of a cohort      that cohort's version
    4. all others               by weight

While a deployment is under way, whoever is chosen gets the request marked with its cohort. The
candidate is the first of the weighted clusters: Envoy takes a user's hash modulo 100, so whoever is
below 5 is below 25 and 50 too, and nobody leaves the candidate as its share grows.

Used by the inbound routes of a sidecar that stands before all versions of its service, and by the
callers' (`egress_routes.py`, `gateway_routes.py`) where each version has machines of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fairway.targets.mesh.render.cohorts import (
    asks_for,
    carries,
    has_cohort,
    mark_copy,
    marks,
)
from fairway.targets.mesh.render.document import (
    Json,
    typed,
)
from fairway.targets.mesh.view import Division, Trial, Version

_SAFE = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
_NO_UPGRADE = {"name": "upgrade", "present_match": True, "invert_match": True}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: its name, its match, what else its routes hold (who is admitted, headers), and
    whether it may be copied.

    Only what changes nothing may: a copied write would happen twice.
    """

    name: str
    match: Json
    more: Json
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """How versions are reached: the cluster of each, and what else the routes' action says.

    `users` are hash policies that tell users apart where the trial's header is not there yet.
    """

    cluster: Callable[[str], str]
    action: Json
    users: Sequence[Json] = field(default=())


@dataclass(frozen=True, slots=True)
class Choice:
    """Some versions for the requests with some header (None: for all others)."""

    condition: Json | None
    versions: tuple[Version, ...]


def version_routes(
    division: Division, asked: Asked, way: Way, choices: Sequence[Choice] | None = None
) -> list[Json]:
    """The routes of one question, to the versions of a service.

    `choices` are given where something else than the request itself says to whom it belongs.
    """
    return [
        _route(asked, headers, _destination(division, choice.versions, way, copies))
        for choice in (choices if choices is not None else _choices(division))
        for headers, copies in _variants(division, asked, way, choice)
    ]


def by_weight(division: Division) -> Choice:
    """All requests by weight, the candidate first."""
    everyone = tuple(version for version in division.versions if version.weight > 0)
    if division.trial is None:
        return Choice(None, everyone)
    candidate = division.trial.candidate
    return Choice(None, tuple(sorted(everyone, key=lambda version: version.name != candidate)))


def in_cohort(division: Division, cohort: str) -> Choice:
    """All requests for the versions of a cohort; by weight where it has none."""
    members = _members(division, cohort) if cohort and division.trial is not None else ()
    return Choice(None, members) if members else by_weight(division)


def another_replica() -> Json:
    """What a retry policy says so that a repetition is sent to another replica."""
    kind = "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    return {
        "retry_host_predicate": [{"name": "previous_hosts", "typed_config": typed(kind)}],
        "host_selection_retry_max_attempts": 3,
    }


def _choices(division: Division) -> list[Choice]:
    trial = division.trial
    if trial is None:
        return [by_weight(division)]
    cohorts = {label: _members(division, label) for label in _labels(division, trial)}
    candidate = cohorts[trial.cohort]
    choices = [
        *(Choice(has_cohort(label), members) for label, members in cohorts.items()),
        Choice(asks_for(trial.cohort), candidate),
        *(Choice(carries(label), members) for label, members in cohorts.items()),
    ]
    return [*(choice for choice in choices if choice.versions), by_weight(division)]


def _labels(division: Division, trial: Trial) -> list[str]:
    """The candidate's first: of two cohorts in baggage, its mark is the later one."""
    return sorted(
        {version.cohort for version in division.versions}, key=lambda c: c != trial.cohort
    )


def _members(division: Division, label: str) -> tuple[Version, ...]:
    """Who serves a cohort: its versions with a weight, else one that runs; nobody if none does."""
    members = tuple(v for v in division.versions if v.cohort == label and v.endpoints)
    return tuple(version for version in members if version.weight > 0) or members[:1]


def _variants(
    division: Division, asked: Asked, way: Way, choice: Choice
) -> list[tuple[list[Json], list[Json]]]:
    """The headers to match, and what is copied: where some requests are, they come first."""
    condition = [] if choice.condition is None else [choice.condition]
    copies = _copies(division, way, choice) if asked.copied else []
    plain: tuple[list[Json], list[Json]] = (condition, [])
    return [([*condition, _SAFE, _NO_UPGRADE], copies), plain] if copies else [plain]


def _copies(division: Division, way: Way, choice: Choice) -> list[Json]:
    """Copies for the candidate, as long as no request is its own."""
    trial = division.trial
    if trial is None or trial.mirror == 0:
        return []
    own = any(v.weight > 0 for v in division.versions if v.name == trial.candidate)
    if own or any(version.name == trial.candidate for version in choice.versions):
        return []
    share = {"numerator": trial.mirror, "denominator": "HUNDRED"}
    return [
        {
            "cluster": way.cluster(trial.candidate),
            "runtime_fraction": {"default_value": share},
            # Signatures cover the host.
            "disable_shadow_host_suffix_append": True,
            "request_headers_mutations": mark_copy(trial.cohort),
        }
    ]


def _route(asked: Asked, headers: list[Json], destination: Json) -> Json:
    match = {**asked.match, "headers": [*headers, *asked.match.get("headers", [])]}
    return {
        **({"name": asked.name} if asked.name else {}),
        "match": match if match["headers"] else asked.match,
        **destination,
        **asked.more,
        **_together("request_headers_to_add", destination, asked.more),
    }


def _together(field_name: str, one: Json, other: Json) -> Json:
    """A list that both may have, the first one's entries before the other's."""
    first = one.get(field_name, [])
    entries = [*first, *(entry for entry in other.get(field_name, []) if entry not in first)]
    return {field_name: entries} if entries else {}


def _destination(
    division: Division, versions: tuple[Version, ...], way: Way, copies: list[Json]
) -> Json:
    more: Json = {"request_mirror_policies": copies} if copies else {}
    match versions:
        case ():
            body = f"no version of {division.service} takes new requests"
            return {"direct_response": {"status": 503, "body": {"inline_string": body}}}
        case (only,):
            action = {"cluster": way.cluster(only.name), **more, **way.action}
            return {"route": action, **marked(only)}
    clusters = [{"name": way.cluster(v.name), "weight": v.weight, **marked(v)} for v in versions]
    split = {"clusters": clusters, **_sticky(division.trial)}
    hashed = _hashed(division.trial, way)
    return {"route": {"weighted_clusters": split, **hashed, **more, **way.action}}


def marked(version: Version) -> Json:
    """A version marks what it gets, so that calls made for it stay in the same cohort."""
    return {"request_headers_to_add": marks(version.cohort)} if version.cohort else {}


def _sticky(trial: Trial | None) -> Json:
    return {"use_hash_policy": True} if trial is not None and trial.sticky_by else {}


def _hashed(trial: Trial | None, way: Way) -> Json:
    """By which header users are told apart; a request without it is drawn at random."""
    if trial is None or trial.sticky_by is None:
        return {}
    return {"hash_policy": list(way.users) or [{"header": {"header_name": trial.sticky_by}}]}

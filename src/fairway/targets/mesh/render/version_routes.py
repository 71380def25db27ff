"""Which version answers a request, once it is known that it may be asked. First match wins:

    1. the header of a cohort   that cohort's version, also at weight 0
    2. a tester's wish          the candidate
    3. baggage of a cohort      that cohort's version
    4. all others               by weight

While a deployment is under way, whoever is chosen gets the request marked with its cohort. The
candidate is the first of the weighted clusters: Envoy takes a user's hash modulo 100, so whoever is
below 5 is below 25 and 50 too, and nobody leaves the candidate as its share grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairway.targets.mesh.render.cohorts import (
    asks_for,
    carries,
    has_cohort,
    mark_copy,
    marks,
)
from fairway.targets.mesh.render.document import Json, replicas_cluster, typed
from fairway.targets.mesh.view import Sidecar, Trial, Version

_NEVER_RECEIVED = "connect-failure,refused-stream,reset-before-request"
"""Failures after which no replica has seen the request: safe to send to another one."""
_SAFE = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
_NO_UPGRADE = {"name": "upgrade", "present_match": True, "invert_match": True}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: its name, its match, who is admitted to it, and whether it may be copied.

    Only what changes nothing may: a copied write would happen twice.
    """

    name: str
    match: Json
    admit: Json
    copied: bool = False


@dataclass(frozen=True, slots=True)
class _Choice:
    """Some versions for the requests with some header (None: for all others)."""

    condition: Json | None
    versions: tuple[Version, ...]


def version_routes(sidecar: Sidecar, asked: Asked) -> list[Json]:
    """The routes of one question, to the versions of a service."""
    return [
        _route(sidecar, asked, choice, headers, copies)
        for choice in _choices(sidecar)
        for headers, copies in _variants(sidecar, asked, choice)
    ]


def _choices(sidecar: Sidecar) -> list[_Choice]:
    trial = sidecar.trial
    everyone = tuple(version for version in sidecar.versions if version.weight > 0)
    if trial is None:
        return [_Choice(None, everyone)]
    first = sorted(everyone, key=lambda version: version.name != trial.candidate)
    cohorts = {label: _members(sidecar, label) for label in _labels(sidecar, trial)}
    candidate = cohorts[trial.cohort]
    choices = [
        *(_Choice(has_cohort(label), members) for label, members in cohorts.items()),
        _Choice(asks_for(trial.cohort), candidate),
        *(_Choice(carries(label), members) for label, members in cohorts.items()),
    ]
    return [*(choice for choice in choices if choice.versions), _Choice(None, tuple(first))]


def _labels(sidecar: Sidecar, trial: Trial) -> list[str]:
    """The candidate's first: of two cohorts in baggage, its mark is the later one."""
    return sorted({version.cohort for version in sidecar.versions}, key=lambda c: c != trial.cohort)


def _members(sidecar: Sidecar, label: str) -> tuple[Version, ...]:
    """Who serves a cohort: its versions with a weight, else one that runs; nobody if none does."""
    members = tuple(v for v in sidecar.versions if v.cohort == label and v.endpoints)
    return tuple(version for version in members if version.weight > 0) or members[:1]


def _variants(
    sidecar: Sidecar, asked: Asked, choice: _Choice
) -> list[tuple[list[Json], list[Json]]]:
    """The headers to match, and what is copied: where some requests are, they come first."""
    condition = [] if choice.condition is None else [choice.condition]
    copies = _copies(sidecar.trial, sidecar.versions, choice) if asked.copied else []
    plain: tuple[list[Json], list[Json]] = (condition, [])
    return [([*condition, _SAFE, _NO_UPGRADE], copies), plain] if copies else [plain]


def _copies(trial: Trial | None, versions: Sequence[Version], choice: _Choice) -> list[Json]:
    """Copies for the candidate, as long as no request is its own."""
    if trial is None or trial.mirror == 0:
        return []
    own = any(v.weight > 0 for v in versions if v.name == trial.candidate)
    if own or any(version.name == trial.candidate for version in choice.versions):
        return []
    share = {"numerator": trial.mirror, "denominator": "HUNDRED"}
    return [
        {
            "cluster": replicas_cluster(trial.candidate),
            "runtime_fraction": {"default_value": share},
            # Signatures cover the host.
            "disable_shadow_host_suffix_append": True,
            "request_headers_mutations": mark_copy(trial.cohort),
        }
    ]


def _route(
    sidecar: Sidecar, asked: Asked, choice: _Choice, headers: list[Json], copies: list[Json]
) -> Json:
    match = {**asked.match, "headers": [*headers, *asked.match.get("headers", [])]}
    return {
        "name": asked.name,
        "match": match if match["headers"] else asked.match,
        **_destination(sidecar, choice.versions, copies),
        **asked.admit,
    }


def _destination(sidecar: Sidecar, versions: tuple[Version, ...], copies: list[Json]) -> Json:
    more: Json = {"request_mirror_policies": copies} if copies else {}
    match versions:
        case ():
            body = f"no version of {sidecar.service} takes new requests"
            return {"direct_response": {"status": 503, "body": {"inline_string": body}}}
        case (only,):
            action = {"cluster": replicas_cluster(only.name), **more, **_patience()}
            return {"route": action, **_marked(only)}
    clusters = [
        {"name": replicas_cluster(v.name), "weight": v.weight, **_marked(v)} for v in versions
    ]
    split = {"clusters": clusters, **_sticky(sidecar.trial)}
    return {"route": {"weighted_clusters": split, **_hashed(sidecar.trial), **more, **_patience()}}


def _marked(version: Version) -> Json:
    """A version marks what it gets, so that calls made for it stay in the same cohort."""
    return {"request_headers_to_add": marks(version.cohort)} if version.cohort else {}


def _sticky(trial: Trial | None) -> Json:
    return {"use_hash_policy": True} if trial is not None and trial.sticky_by else {}


def _hashed(trial: Trial | None) -> Json:
    """By which header users are told apart; a request without it is drawn at random."""
    if trial is None or trial.sticky_by is None:
        return {}
    return {"hash_policy": [{"header": {"header_name": trial.sticky_by}}]}


def _patience() -> Json:
    """No timeout of its own: the caller's side knows how long it wants to wait."""
    return {
        "timeout": "0s",
        "retry_policy": {
            "retry_on": _NEVER_RECEIVED,
            "num_retries": 2,
            "retry_host_predicate": [
                {
                    "name": "previous_hosts",
                    "typed_config": typed(
                        "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    ),
                }
            ],
            "host_selection_retry_max_attempts": 3,
        },
    }

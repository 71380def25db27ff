"""What this target refuses, in words. Used by `AwsTarget` and its steps."""

from __future__ import annotations

from fairway.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable


def still_asked(service: str, version: str) -> Conflict:
    """A version with weight is not retired."""
    return Conflict(
        "still-asked",
        f"{version} of {service} still gets new requests",
        where=service,
        remedy="shift its requests to another version first",
    )


def not_running(service: str, version: str) -> Conflict:
    """Nothing is shifted to what is not there."""
    return Conflict(
        "not-running",
        f"no {version} of {service} runs here, and gets no requests",
        where=service,
        remedy="apply it first",
    )


def nobody_answers(service: str, version: str, region: str) -> Unavailable:
    """Nothing is shifted to what is ill just now."""
    return Unavailable(
        "not-healthy",
        f"{version} of {service} has no healthy task in {region}, and gets no requests",
        where=service,
        remedy=f"see `fairway logs {service}`; it is tried again",
    )


def not_described(release: str, service: str, version: str) -> NotFound:
    """Nobody says what this version is."""
    return NotFound(
        "unknown-version",
        f"{release} does not describe {service}, and no {version} runs here",
        where=service,
        remedy="deploy a release that has this service",
    )


def not_whole(service: str, total: int) -> InvalidInput:
    """Weights are percent, 100 in all."""
    return InvalidInput(
        "weights",
        f"the weights of {service} are {total} in all",
        where=service,
        remedy="give 100 percent in all",
    )


def no_copies(service: str) -> Refused:
    """A load balancer mirrors nothing."""
    return Refused(
        "cannot-mirror",
        f"a load balancer divides the requests of {service} and copies none of them",
        where=service,
        remedy="leave `mirror` out of the strategy, or take the service out of `outside_mesh`",
    )


def not_repairable(subject: str, repair: str) -> Conflict:
    """Only people can end this difference."""
    return Conflict(
        "not-repairable", f"{subject}: only people can end this", where=subject, remedy=repair
    )


def leads_elsewhere(environment: str, before: str, after: str) -> Refused:
    """The region that leads holds the record and the state of Terraform."""
    return Refused(
        "leading-region-moves",
        f"{before} leads '{environment}', and the app file now names {after} first",
        where=f"environments.{environment}.regions",
        remedy=f"name {before} first, or make a new environment",
    )

"""Secrets that AWS renews by itself: each has one reader, who gets to know the new value.

Every service has a copy of a secret of its own in every region, and a copy is renewed on its own:
what two of them must agree on cannot be renewed like this.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.aws import AwsRotation
from fairway.model.check.subject import Finding, Subject
from fairway.model.environments import Environment
from fairway.model.names import did_you_mean
from fairway.model.places import Path

_DAY = 86400.0
_LONGEST = 90
"""Days; a value that is older is no longer called rotated. Secrets Manager counts whole days."""


def check_rotation(subject: Subject) -> Iterator[Finding]:
    """Judged once, from the app as declared, for every environment on ECS."""
    if subject.environment is not None:
        return
    for name, environment in subject.app.environments.items():
        if environment.target == "aws-ecs":
            path: Path = ("environments", name, "aws", "rotation")
            yield from _days(environment.aws.rotation, path)
            yield from _secrets(subject, environment, (*path, "secrets"))


def _secrets(subject: Subject, environment: Environment, path: Path) -> Iterator[Finding]:
    readers = _readers(subject, environment)
    for secret, kind in environment.aws.rotation.secrets.items():
        at = (*path, secret)
        yield from _read(subject, secret, readers, at)
        yield from _apart(environment, secret, kind, at)
        for reader in readers.get(secret, ()):
            if kind == "postgres":
                yield from _of_a_database(subject, reader, at)
            yield from _at_start(subject, environment, secret, reader, at)


def _readers(subject: Subject, environment: Environment) -> dict[str, tuple[str, ...]]:
    """The services that read each secret in this environment."""
    found: dict[str, tuple[str, ...]] = {}
    for name, service in sorted(subject.app.services.items()):
        listed = environment.overrides.get(name, {}).get("secrets", service.secrets)
        for secret in listed if isinstance(listed, list | tuple) else ():
            found[str(secret)] = (*found.get(str(secret), ()), name)
    return found


def _days(rotation: AwsRotation, path: Path) -> Iterator[Finding]:
    days = rotation.every / _DAY
    if not days.is_integer() or not 1 <= days <= _LONGEST:
        yield Finding(
            (*path, "every"),
            "rotation-days",
            f"a secret is renewed after whole days, 1 to {_LONGEST} of them",
            "write it like this: 30d",
        )


def _read(
    subject: Subject, secret: str, readers: dict[str, tuple[str, ...]], path: Path
) -> Iterator[Finding]:
    of_this = readers.get(secret, ())
    if not of_this and subject.certain("services"):
        yield Finding(
            path,
            "unknown-secret",
            f"no service reads the secret '{secret}'",
            did_you_mean(
                secret, readers, "list it under the 'secrets' of the service that reads it"
            ),
            at_key=True,
        )
    if len(of_this) > 1:
        yield Finding(
            path,
            "rotation-shared",
            f"'{secret}' is read by '{of_this[0]}' and '{of_this[1]}': each has a copy of its own, "
            "and would get another value than the other",
            "give each a secret of its own, or set this one by hand: fairway secrets rotate",
            at_key=True,
        )


def _of_a_database(subject: Subject, reader: str, path: Path) -> Iterator[Finding]:
    """What changes the password reaches the databases of the reader, and nothing else."""
    stores = subject.app.stores
    kinds = {stores[name].kind for name in subject.app.services[reader].stores if name in stores}
    if "postgres" not in kinds and subject.certain("stores"):
        yield Finding(
            path,
            "password-of-nothing",
            f"'{reader}' uses no store of the kind postgres: there is no role whose password "
            "this could be",
            f"list the database under the stores of '{reader}', or write random",
        )


def _apart(environment: Environment, secret: str, kind: str, path: Path) -> Iterator[Finding]:
    """Regions share nothing, so that one works when the other is gone: not the new value either."""
    if len(environment.regions) < 2:  # one has nothing to agree on
        return
    if kind == "postgres":
        yield Finding(
            path,
            "password-in-each-region",
            f"each region would renew '{secret}', the password of the same role, on its own",
            "use one region, or log in by IAM as services do to their own stores",
            at_key=True,
        )
    else:
        yield Finding(
            path,
            "key-in-each-region",
            f"each region renews '{secret}' on its own: what is signed in one is not valid in the "
            "other",
            "remove it if that matters, and set it by hand: fairway secrets rotate",
            at_key=True,
            warning=True,
        )


def _at_start(
    subject: Subject, environment: Environment, secret: str, reader: str, path: Path
) -> Iterator[Finding]:
    """The agent hands on what is new, to programs that use the library; a job always starts."""
    service = subject.app.services[reader]
    told = service.library and reader not in environment.aws.outside_mesh
    if not told and service.kind != "job":
        yield Finding(
            path,
            "read-at-start",
            f"'{reader}' has '{secret}' from its start on, and does not hear of a new value",
            "deploy it again within the time, or let it use the library in the mesh",
            at_key=True,
            warning=True,
        )

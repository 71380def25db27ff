"""Rotates a secret: what Lambda calls when Secrets Manager wants a new version of one.

Secrets Manager asks in four steps, each of which may come more than once: make the new value
(AWSPENDING), put it into force where it is checked, try it, and let it be the current one. The tag
`fairway:rotate` of the secret says what kind of value it is (see `kinds`). A value is never logged.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinds import KINDS, Kind

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
TAG = "fairway:rotate"


@dataclass(frozen=True)
class Rotation:
    """One secret on its way to the version `token`."""

    client: Any
    secret: str
    token: str
    kind: Kind

    def value(self, stage: str) -> str | None:
        """The value of a stage; None as long as there is none."""
        wanted = {"VersionId": self.token} if stage == PENDING else {}
        try:
            answer = self.client.get_secret_value(
                SecretId=self.secret, VersionStage=stage, **wanted
            )
        except self.client.exceptions.ResourceNotFoundException:
            return None
        return str(answer["SecretString"])


def handle(event: Mapping[str, str], _context: object) -> None:
    """What Lambda calls."""
    import boto3  # noqa: PLC0415 - part of Lambda's own Python, not of whoever tests this

    rotate(boto3.client("secretsmanager"), event)


def rotate(client: Any, event: Mapping[str, str]) -> None:
    """Do the step that is asked for; a step that was done before does nothing."""
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    described = client.describe_secret(SecretId=secret)
    stages = described.get("VersionIdsToStages", {}).get(token)
    if stages is None:
        raise ValueError(f"{secret} has no version {token}: the rotation was not started for it")
    if CURRENT in stages:
        return
    STEPS[step](Rotation(client, secret, token, _kind(described)))


def create(rotation: Rotation) -> None:
    """Make the new value, unless an earlier try did."""
    if rotation.value(PENDING) is None:
        rotation.client.put_secret_value(
            SecretId=rotation.secret,
            ClientRequestToken=rotation.token,
            SecretString=rotation.kind.renewed(rotation.value(CURRENT)),
            VersionStages=[PENDING],
        )


def put_into_force(rotation: Rotation) -> None:
    """Tell whoever checks the value, if anybody does."""
    pending = rotation.value(PENDING)
    if pending is None:
        raise ValueError(f"{rotation.secret} has no new value to put into force")
    rotation.kind.put_into_force(rotation.value(CURRENT), pending)


def try_it(rotation: Rotation) -> None:
    """Use the new value once; an error ends the rotation, and the current value stays.

    When rotation is switched on, Secrets Manager asks for this step alone, and a secret that was
    just made has no value yet.
    """
    pending = rotation.value(PENDING)
    if pending is not None:
        rotation.kind.try_it(pending)


def finish(rotation: Rotation) -> None:
    """Let the new value be the current one."""
    versions = rotation.client.describe_secret(SecretId=rotation.secret)["VersionIdsToStages"]
    current = next((version for version, stages in versions.items() if CURRENT in stages), None)
    rotation.client.update_secret_version_stage(
        SecretId=rotation.secret,
        VersionStage=CURRENT,
        MoveToVersionId=rotation.token,
        **({"RemoveFromVersionId": current} if current else {}),
    )


def _kind(described: Mapping[str, Any]) -> Kind:
    tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}
    name = tags.get(TAG, "")
    if name not in KINDS:
        raise ValueError(f"the tag {TAG} is {name!r}; it is one of {', '.join(sorted(KINDS))}")
    return KINDS[name]


STEPS = {
    "createSecret": create,
    "setSecret": put_into_force,
    "testSecret": try_it,
    "finishSecret": finish,
}

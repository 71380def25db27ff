"""Puts the target on AWS together: clients, Terraform, documents, secrets. `wiring` calls it.

Nothing is asked of AWS before the first method is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fairway.model.app import App
from fairway.plan.preview import Preview, ResourceChange
from fairway.plan.release import Json
from fairway.targets.aws import names
from fairway.targets.aws.clients import Clients, require_boto3
from fairway.targets.aws.enforcing import Collaborators
from fairway.targets.aws.identity.authority import authority_place, ensure_authority
from fairway.targets.aws.identity.signing import SigningSecrets, rotated
from fairway.targets.aws.mesh.documents import documents_of
from fairway.targets.aws.place import Patience, Place
from fairway.targets.aws.ports import Governing
from fairway.targets.aws.provisioning import TerraformProvision, Workshop
from fairway.targets.aws.rendering.roots import rendered
from fairway.targets.aws.secrets import AwsSecrets, regions_of
from fairway.targets.aws.standing.record import Record
from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.target import AwsTarget
from fairway.targets.aws.telling import Busy
from fairway.targets.aws.terraform.binary import find_binary
from fairway.targets.aws.terraform.runner import Backend
from fairway.targets.aws.terraform.site import backend_in
from fairway.targets.aws.values.place import DEFAULT_REGION

_EMULATED = "AWS_ENDPOINT_URL"


@dataclass(frozen=True, slots=True)
class Declared:
    """An environment as it was declared when it came to be: what never changes of it."""

    app: str
    environment: str
    lead: str
    owner: str | None

    @classmethod
    def read(cls, app: str, environment: str, declared: Json) -> Declared:
        """Of the environment's part of the app file."""
        regions = declared.get("regions") or (DEFAULT_REGION,)
        owner = (declared.get("aws") or {}).get("account")
        return cls(app, environment, str(regions[0]), None if owner is None else str(owner))


@dataclass(frozen=True, slots=True)
class OnAws:
    """A target, where its secrets are, and what renews and rotates the keys of its tasks (these
    two block).

    `doing` says what it is busy with just now.
    """

    target: AwsTarget
    secrets: AwsSecrets
    renew: Callable[[App], None]
    rotate: Callable[[App, str | None], tuple[str, ...]]
    doing: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Ground:
    """What it works with: a folder of its own for Terraform, one for what can be had again, the
    variables of this process, the time, how long is waited, and who hears how far it is.
    """

    folder: Path
    cache: Path
    variables: Mapping[str, str]
    clock: Callable[[], float]
    patience: Patience = field(default_factory=Patience)
    busy: Busy = field(default_factory=Busy)


def on_aws(declared: Declared, ground: Ground, governing: Governing) -> OnAws:
    """The target of an environment; Unavailable without boto3."""
    require_boto3()
    place = Place(
        declared.app,
        declared.environment,
        declared.lead,
        Clients(),
        ground.clock,
        declared.owner,
        ground.patience,
    )
    secrets = AwsSecrets(place)
    provision = LazyProvision(lambda: terraform_of(place, ground))
    hand_over = _handing_over(place, secrets)
    target = AwsTarget(place, Collaborators(provision, documents_of, governing, hand_over))
    return OnAws(
        target,
        secrets,
        renew=lambda app: hand_over(app, regions_of(app, place)),
        rotate=lambda app, identity: _rotate(place, app, identity),
        doing=lambda: ground.busy.words,
    )


class LazyProvision:
    """A `Provision` that looks for Terraform when it is first needed.

    An environment can be looked at, and its requests shifted, by a server without it.
    """

    def __init__(self, make: Callable[[], TerraformProvision]) -> None:
        self._make = make
        self._made: TerraformProvision | None = None

    def rendered(self, standing: Standing) -> dict[str, str]:
        """See `Provision`; needs no Terraform."""
        return rendered(standing)

    async def preview(self, standing: Standing) -> Preview:
        """See `Provision`."""
        return await (await self._found()).preview(standing)

    async def apply(self, standing: Standing) -> None:
        """See `Provision`."""
        await (await self._found()).apply(standing)

    async def differences(self, standing: Standing) -> tuple[ResourceChange, ...]:
        """See `Provision`."""
        return await (await self._found()).differences(standing)

    async def _found(self) -> TerraformProvision:
        if self._made is None:
            self._made = await asyncio.to_thread(self._make)
        return self._made


def terraform_of(place: Place, ground: Ground) -> TerraformProvision:
    """Terraform for an environment; its state is in the environment's bucket. Blocks.

    What emulates AWS runs no code of functions, which then needs nothing of others.
    """
    record = Record(place)
    bucket = names.state_bucket(place.app, place.environment, place.require_account(), place.lead)

    def backend(_standing: Standing, region: str) -> Backend:
        return backend_in(bucket, place.lead, names.state_key("region", region), ground.variables)

    return TerraformProvision(
        Workshop(
            binary=find_binary(ground.variables),
            folder=ground.folder,
            cache=ground.cache,
            variables=ground.variables,
            backend=backend,
            wheels=_EMULATED not in ground.variables,
            of_before=lambda lock: lock.who in record.engines(),
            busy=ground.busy,
        )
    )


def _handing_over(place: Place, secrets: AwsSecrets) -> Callable[[App, Sequence[str]], None]:
    """Values that people have set, whom to trust, and the keys by which services sign calls."""

    def hand_over(app: App, regions: Sequence[str]) -> None:
        secrets.hand_over(app, regions)
        now = datetime.fromtimestamp(place.clock(), UTC)
        account = place.require_account()
        for region in regions:
            authority = authority_place(place.app, place.environment, account, region)
            ensure_authority(place.clients, authority, now)
            SigningSecrets(place.clients, region, place.environment).write(app, now)

    return hand_over


def _rotate(place: Place, app: App, identity: str | None) -> tuple[str, ...]:
    """Other keys for these callers, in every region; `renew` has them sign when they are known."""
    callers, now = rotated(app, identity), datetime.fromtimestamp(place.clock(), UTC)
    place.require_account()
    for region in regions_of(app, place):
        SigningSecrets(place.clients, region, place.environment).rotate(app, callers, now)
    return callers

"""An environment that Fairway has deployed to moto: what `fairway eject` finds, without Terraform.

Everything that is in the account was put there by the parts of Fairway that do so for users.
"""

from __future__ import annotations

import asyncio
import time
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.aws.direct_provision import bootstrap
from tests.aws.moto_rig import ACCOUNT, Moto
from tests.aws_target_rig import clients_of

from fairway.governance.access import compile_access
from fairway.governance.bundle import build_bundle
from fairway.model.views import environment_view
from fairway.targets.aws import names
from fairway.targets.aws.identity.authority import authority_place, ensure_authority
from fairway.targets.aws.identity.signing import SigningSecrets
from fairway.targets.aws.mesh.documents import documents_of
from fairway.targets.aws.place import Place
from fairway.targets.aws.ports import Rules
from fairway.targets.aws.publishing import Publisher
from fairway.targets.aws.secrets import AwsSecrets
from fairway.targets.aws.standing.record import Record
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.contract import Fence
from fairway.workspace import open_workspace

REGIONS = ("eu-central-1", "eu-west-1")
POLICIES = "permit(principal, action, resource);"
VALUE = "hush-hush-value"
APP_FILE = """\
app: shop
services:
  orbit:
    build: orbit
    library: true
    health: /health
    public: /
    intents: {dispatch: POST /dispatch}
    calls: {axon: [reason]}
  axon:
    build: axon
    library: true
    health: /health
    secrets: [MODEL_KEY]
    intents: {reason: POST /reason}
environments:
  prod:
    target: aws-ecs
    regions: [eu-central-1, eu-west-1]
    aws: {domain: shop.example.com}
"""


@dataclass(frozen=True)
class Deployed:
    """The account after a deployment of release 7, which runs as `r7`."""

    place: Place
    standing: Standing

    def bucket(self, region: str) -> str:
        return names.config_bucket("shop", "prod", ACCOUNT, region)

    def keys(self, region: str) -> set[str]:
        found = self.place.clients.of("s3", region).list_objects_v2(Bucket=self.bucket(region))
        return {each["Key"] for each in found.get("Contents", ())}

    def remove(self, region: str, *keys: str) -> None:
        for key in keys:
            self.place.clients.of("s3", region).delete_object(Bucket=self.bucket(region), Key=key)


def deploy(moto: Moto, folder: Path) -> Deployed:
    """Have it deployed, as the app file in `folder` declares it."""
    place = Place("shop", "prod", REGIONS[0], clients_of(moto.url), time.time)
    bootstrap(place)
    standing = _standing(folder)
    asyncio.run(Record(place).change(Fence("d1", 1), lambda _: standing))
    AwsSecrets(place).set(None, "MODEL_KEY", VALUE)
    for region in REGIONS:
        _region(place, standing, region)
    return Deployed(place, standing)


def _standing(folder: Path) -> Standing:
    app = environment_view(open_workspace(folder, "prod").loaded.app, "prod")
    services = {
        name: (StandingVersion("r7", _json(service), f"{name}@sha256:7", "sha256:7", 2, 100),)
        for name, service in app.services.items()
    }
    return Standing("prod", _json(app), services, policy_set=3, release=7)


def _json(model: object) -> dict[str, object]:
    dumped: dict[str, object] = model.model_dump(mode="json", by_alias=True, exclude_none=True)  # type: ignore[attr-defined]
    return dumped


def _region(place: Place, standing: Standing, region: str) -> None:
    app, now = standing.model, datetime.now(UTC)
    place.clients.of("s3", region).create_bucket(
        Bucket=place.config_bucket(region),
        CreateBucketConfiguration={"LocationConstraint": region},
    )
    rules = Rules(build_bundle(app, "prod", 3, POLICIES), compile_access(app, POLICIES))
    Publisher(place).publish(region, documents_of(standing, region, rules))
    kms, authority = (
        place.clients.of("kms", region),
        authority_place("shop", "prod", ACCOUNT, region),
    )
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=authority.key_id, TargetKeyId=key)
    ensure_authority(place.clients, authority, now)
    SigningSecrets(place.clients, region, "prod").write(app, now)
    secret = names.secret("shop", "prod", "axon", "MODEL_KEY")
    place.clients.of("secretsmanager", region).create_secret(Name=secret, SecretString=VALUE)


def wheel_of_cedar(folder: Path) -> None:
    """A wheel that pip takes for what the decision function needs."""
    about = "Metadata-Version: 2.1\nName: cedarpy\nVersion: 4.99\n"
    info = "cedarpy-4.99.dist-info"
    kind = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / "cedarpy-4.99-py3-none-any.whl", "w") as wheel:
        wheel.writestr("cedarpy/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", about)
        wheel.writestr(f"{info}/WHEEL", kind)
        wheel.writestr(f"{info}/RECORD", "")

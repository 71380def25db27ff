"""Without Fairway, `signing/renew.py` of the tree gives services the keys that Fairway would."""

from __future__ import annotations

import json
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.aws.moto_rig import REGION, Moto
from tests.aws_target_rig import clients_of

from fairway.errors import NotFound
from fairway.model.app import App
from fairway.targets.aws.identity.signing import SigningSecrets, rotated, who_signs
from fairway.targets.aws.rendering.roots import RENEW, rendered
from fairway.targets.aws.standing.state import Standing
from fairway.targets.signing import KNOWN_AFTER, OVERLAP

NOW = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
DECLARED = {
    "app": "shop",
    "services": {
        "axon": {"image": "a", "library": True, "intents": {"reason": "POST /reason"}},
        "orbit": {"image": "o", "library": True, "calls": {"axon": ["reason"]}},
        "plain": {"image": "p"},
    },
    "clients": {"web": {"calls": {"axon": ["reason"]}}},
    "environments": {"prod": {"target": "aws-ecs", "regions": [REGION]}},
}
APP = App.model_validate(DECLARED)
WHO = who_signs(APP, "prod", (REGION,))


@pytest.fixture
def manager(moto: Moto) -> Any:
    return moto.client("secretsmanager")


@pytest.fixture
def renew(tmp_path: Path) -> Any:
    """The function of the program as it lies in the tree."""
    path = tmp_path / "renew.py"
    path.write_text(rendered(Standing("prod", DECLARED))[RENEW])
    return runpy.run_path(str(path))["renew"]


@pytest.fixture
def signing(moto: Moto) -> SigningSecrets:
    return SigningSecrets(clients_of(moto.url), REGION, "prod")


def values(manager: Any, *secrets: str) -> dict[str, Any]:
    return {
        secret: json.loads(manager.get_secret_value(SecretId=f"shop-prod/{secret}")["SecretString"])
        for secret in secrets
    }


def replace_a_key(manager: Any) -> None:
    """As `fairway` does: the old key is valid for an hour more."""
    kept = values(manager, "fairway/signing")["fairway/signing"]
    [old] = kept["identities"]["orbit"]
    fresh = {"key_id": "orbit.2", "secret": "fresh", "expires": None}
    expires = NOW.timestamp() + 3600
    kept["identities"]["orbit"] = [{**old, "expires": expires}, fresh]
    manager.put_secret_value(SecretId="shop-prod/fairway/signing", SecretString=json.dumps(kept))


def test_services_are_given_the_same(renew: Any, signing: SigningSecrets, manager: Any) -> None:
    signing.write(APP, NOW)
    replace_a_key(manager)
    given = ("axon/identity", "orbit/identity")
    for later in (timedelta(), timedelta(minutes=30), timedelta(hours=2), timedelta(days=30)):
        renew(manager, WHO, NOW + later)
        ours = values(manager, *given)
        signing.write(APP, NOW + later)
        assert values(manager, *given) == ours


def test_callees_know_a_new_key_before_its_caller_signs_with_it(
    renew: Any, signing: SigningSecrets, manager: Any
) -> None:
    def signs(at: datetime) -> tuple[str, set[str]]:
        signing.write(APP, at)
        given = values(manager, "orbit/identity", "axon/identity")
        [own] = given["orbit/identity"]["signing.json"]["keys"]
        known = given["axon/identity"]["verifying.json"]["keys"]
        return own["key_id"], {key["key_id"] for key in known if key["caller"] == "orbit"}

    signing.write(APP, NOW)
    for _ in range(2):
        signing.rotate(APP, ("orbit",), NOW)
    assert signs(NOW) == ("orbit.1", {"orbit.1", "orbit.2"})
    renew(manager, WHO, NOW)
    assert signs(NOW) == ("orbit.1", {"orbit.1", "orbit.2"}), "the same without Fairway"
    known = NOW + timedelta(seconds=KNOWN_AFTER)
    assert signs(known) == ("orbit.2", {"orbit.1", "orbit.2"})
    assert signs(known + OVERLAP) == ("orbit.2", {"orbit.2"})


def test_a_rotation_that_was_begun_comes_to_its_end(
    renew: Any, signing: SigningSecrets, manager: Any
) -> None:
    signing.write(APP, NOW)
    signing.rotate(APP, ("orbit",), NOW)
    for later in (KNOWN_AFTER, KNOWN_AFTER + OVERLAP.total_seconds()):
        renew(manager, WHO, NOW + timedelta(seconds=later))
        kept = values(manager, "fairway/signing", "axon/identity", "orbit/identity")
        [own] = kept["orbit/identity"]["signing.json"]["keys"]
        assert own["key_id"] == "orbit.2"
        signing.write(APP, NOW + timedelta(seconds=later))
        assert values(manager, *(name.removeprefix("shop-prod/") for name in kept)) == kept
    assert [key["key_id"] for key in kept["fairway/signing"]["identities"]["orbit"]] == ["orbit.2"]


def test_a_rotation_is_of_services_unless_a_client_is_named() -> None:
    assert rotated(APP, None) == ("axon", "orbit")
    assert rotated(APP, "web") == ("web",)
    with pytest.raises(NotFound, match="plain does not sign"):
        rotated(APP, "plain")


def test_a_caller_without_a_key_gets_one_and_keeps_it(renew: Any, manager: Any) -> None:
    assert "shop-prod/fairway/signing" in renew(manager, WHO, NOW)
    kept = values(manager, "fairway/signing")
    assert set(kept["fairway/signing"]["identities"]) == {"axon", "orbit", "web"}
    assert set(renew(manager, WHO, NOW)) == {"shop-prod/axon/identity", "shop-prod/orbit/identity"}
    assert values(manager, "fairway/signing") == kept


def test_where_nobody_signs_there_is_nothing_to_renew() -> None:
    plain = {**DECLARED, "services": {"plain": {"image": "p"}}, "clients": {}}
    files = rendered(Standing("prod", plain))
    assert RENEW not in files and "Signed calls" not in files["README.md"]

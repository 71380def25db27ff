"""Signing keys: who gets which, for which days, and that a rotation interrupts nobody."""

import asyncio
import json
import stat
from datetime import UTC, datetime, timedelta

import pytest
from tests.waiting import eventually

from fairway.errors import InvalidInput, NotFound
from fairway.model.app import App
from fairway.targets.local.identity.signing import SigningKeys
from fairway.targets.local.layout import StateDir
from fairway.targets.signing import OVERLAP, signing_callers, verifying_services
from fairway_runtime.sigv4 import (
    SignableRequest,
    SignatureRefused,
    SigningFile,
    Verifier,
    VerifyingFile,
    sign,
)
from fairway_runtime.sigv4.canonical import fold_headers

APP = App.model_validate(
    {
        "app": "shop",
        "services": {
            "axon": {"run": "x", "library": True, "intents": {"reason": "POST /reason"}},
            "orbit": {
                "run": "x",
                "library": True,
                "intents": {"dispatch": "POST /dispatch"},
                "calls": {"axon": ["reason"]},
            },
            "plain": {"run": "x", "calls": {"axon": ["reason"]}},
        },
        "clients": {"web": {"calls": {"orbit": ["dispatch"]}}, "stranger": {}},
    }
)


class Clock:
    def __init__(self):
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def state(tmp_path):
    return StateDir(tmp_path)


def signing_keys(state, clock, settle=0.01):
    return SigningKeys(state, signing_callers(APP), verifying_services(APP), clock, settle)


@pytest.fixture
def keys(state, clock):
    keys = signing_keys(state, clock)
    keys.write()
    return keys


def document(state, name, file):
    return json.loads((state.identity(name) / file).read_bytes())


def call(state, caller, callee, at, nonce="n" * 16, via=None):
    """Sign as one, verify as another, with the library's own code; returns who was recognised."""
    credentials = SigningFile(state.identity(caller) / "signing.json").credentials(callee)
    return check(state, via or callee, headers(credentials, at, nonce), at)


def headers(credentials, at, nonce="n" * 16):
    request = SignableRequest("POST", "/reason", "", [("host", "axon.internal")], b"{}")
    added = sign(request, credentials, now=at.timestamp(), nonce=nonce)
    return [(b"host", b"axon.internal"), *((k.encode(), v.encode()) for k, v in added.items())]


def check(state, callee, sent, at):
    verifier = Verifier(
        VerifyingFile(state.identity(callee) / "verifying.json"), clock=at.timestamp
    )
    found = verifier.verify("POST", b"/reason", b"", fold_headers(sent))
    return found.kind, found.caller, found.key_id


def test_a_declared_caller_is_recognised(state, keys, clock):
    assert call(state, "orbit", "axon", clock.now) == ("Service", "orbit", "orbit.1")
    assert call(state, "web", "orbit", clock.now) == ("Client", "web", "web.1")


@pytest.mark.parametrize(
    ("caller", "callee"), [("web", "axon"), ("stranger", "orbit"), ("axon", "orbit")]
)
def test_an_undeclared_caller_is_not(state, keys, clock, caller, callee):
    with pytest.raises(SignatureRefused):
        call(state, caller, callee, clock.now)


def test_a_signature_for_one_callee_is_no_use_at_another(state, keys, clock):
    with pytest.raises(SignatureRefused):
        call(state, "orbit", "axon", clock.now, via="orbit")


def test_the_callees_folder_never_holds_a_callers_secret(state, keys):
    secrets = {
        name: document(state, name, "signing.json")["keys"][0]["secret"]
        for name in ("axon", "orbit", "web", "stranger")
    }
    assert len(set(secrets.values())) == 4
    for owner, secret in secrets.items():
        for file in (state.home / "identity").rglob("*"):
            if file.is_file() and file.parent.name != owner:
                assert secret not in file.read_text()


def test_what_a_callee_holds_cannot_sign_for_anyone_else(state, keys, clock):
    derived = {entry["key"] for entry in document(state, "axon", "verifying.json")["keys"]}
    others = {entry["key"] for entry in document(state, "orbit", "verifying.json")["keys"]}
    assert derived.isdisjoint(others)


def test_keys_are_given_for_yesterday_today_and_tomorrow_and_declared_callers_only(state, keys):
    entries = document(state, "axon", "verifying.json")["keys"]
    assert {(e["caller"], e["kind"]) for e in entries} == {("orbit", "Service")}
    assert [e["date"] for e in entries] == ["20261120", "20261121", "20261122"]


def test_who_does_not_use_the_library_gets_nothing(state, keys):
    assert not state.identity("plain").exists()
    assert not (state.identity("web") / "verifying.json").exists()
    assert document(state, "web", "signing.json")["kind"] == "Client"


def test_files_are_private(state, keys):
    files = [f for f in state.home.rglob("*") if f.is_file()]
    assert files
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_keys_stay_the_same_across_restarts_and_untouched(state, keys, clock):
    before = {f: (f.read_bytes(), f.stat().st_ino) for f in state.home.rglob("*.json")}
    signing_keys(state, clock).write()
    assert {f: (f.read_bytes(), f.stat().st_ino) for f in state.home.rglob("*.json")} == before


def test_a_new_day_gets_its_keys(state, keys, clock):
    clock.now += timedelta(days=3)
    with pytest.raises(SignatureRefused):
        call(state, "orbit", "axon", clock.now)
    keys.write()
    assert call(state, "orbit", "axon", clock.now)[1] == "orbit"
    tomorrow = clock.now + timedelta(days=1)
    assert call(state, "orbit", "axon", tomorrow)[1] == "orbit"


async def test_a_rotation_overlaps(state, keys, clock):
    old = SigningFile(state.identity("orbit") / "signing.json").credentials("axon")
    assert await keys.rotate("orbit") == "orbit.2"
    assert call(state, "orbit", "axon", clock.now) == ("Service", "orbit", "orbit.2")
    assert check(state, "axon", headers(old, clock.now), clock.now)[2] == "orbit.1"
    assert document(state, "orbit", "signing.json")["keys"][-1]["key_id"] == "orbit.2"

    clock.now += OVERLAP
    keys.write()
    with pytest.raises(SignatureRefused):
        check(state, "axon", headers(old, clock.now), clock.now)
    assert call(state, "orbit", "axon", clock.now)[2] == "orbit.2"


async def test_the_callee_knows_a_new_key_before_its_caller_uses_it(state, keys, clock):
    rotating = asyncio.create_task(signing_keys(state, clock, settle=2.0).rotate("orbit"))

    def known() -> set[str]:
        return {e["key_id"] for e in document(state, "axon", "verifying.json")["keys"]}

    await eventually(lambda: known() == {"orbit.1", "orbit.2"})
    assert document(state, "orbit", "signing.json")["keys"][-1]["key_id"] == "orbit.1"
    await rotating
    assert document(state, "orbit", "signing.json")["keys"][-1]["key_id"] == "orbit.2"


async def test_rotating_again_and_again_keeps_numbers_unique(state, keys, clock):
    assert [await keys.rotate("orbit") for _ in range(3)] == ["orbit.2", "orbit.3", "orbit.4"]
    assert await signing_keys(state, clock).rotate("orbit") == "orbit.5"


async def test_who_does_not_sign_cannot_be_rotated(keys):
    with pytest.raises(NotFound, match="plain does not sign"):
        await keys.rotate("plain")


def test_damaged_keys_are_reported_without_their_content(state, keys, clock):
    state.signing_store.write_text('{"identities": {"orbit": [{"secret": "hunter2"}]}}')
    with pytest.raises(InvalidInput) as caught:
        signing_keys(state, clock)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None

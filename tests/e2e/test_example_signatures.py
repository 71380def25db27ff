"""Calls that reach axon's sidecar with orbit's certificate, and are not what they claim to be.

Each is sent through orbit's own sidecar, as orbit's process would send it, so that the mesh lets
it pass: what refuses is the runtime library in axon.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.driver import Driver
from tests.waiting import until

from fairway_runtime.sigv4 import Credentials, SignableRequest, sign

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

BODY = b'{"prompt": "who asks?"}'
OTHER_BODY = b'{"prompt": "who lies?"}'


@dataclass(frozen=True, slots=True)
class Orbit:
    """What orbit has: an address where axon answers, and a key to sign with."""

    axon_url: str
    key_id: str
    secret: str

    def headers(
        self,
        body: bytes = BODY,
        *,
        at: float | None = None,
        secret: str | None = None,
        callee: str = "axon",
        path: str = "/reason",
        correlation_id: str = "",
    ) -> dict[str, str]:
        """A signature over a `POST` that differs from a right one by what is given."""
        plain = {
            "host": urlsplit(self.axon_url).netloc,
            "content-type": "application/json",
            "x-correlation-id": correlation_id or f"test-{secrets.token_hex(8)}",
        }
        request = SignableRequest("POST", path, "", tuple(plain.items()), body)
        credentials = Credentials(self.key_id, secret or self.secret, "local", callee)
        when = time.time() if at is None else at
        return plain | sign(request, credentials, now=when, nonce=secrets.token_urlsafe(18))

    def ask(
        self, headers: dict[str, str], body: bytes = BODY, path: str = "/reason"
    ) -> httpx2.Response:
        return httpx2.post(f"{self.axon_url}{path}", content=body, headers=headers, timeout=10)


@pytest.fixture(scope="module")
def orbit(axon_orbit: Driver) -> Orbit:
    variables = axon_orbit.variables("orbit")
    signing = json.loads((Path(variables["FAIRWAY_IDENTITY_DIR"]) / "signing.json").read_text())
    key = signing["keys"][-1]
    return Orbit(variables["AXON_URL"], key["key_id"], key["secret"])


def test_a_rightly_signed_call_is_answered(orbit: Orbit) -> None:
    assert orbit.ask(orbit.headers()).status_code == 200


def test_an_unsigned_call_is_refused(orbit: Orbit) -> None:
    assert orbit.ask({"content-type": "application/json"}).status_code == 401


def test_a_forged_call_is_refused(orbit: Orbit) -> None:
    assert orbit.ask(orbit.headers(secret="not orbit's secret")).status_code == 401


def test_a_call_whose_body_was_changed_is_refused(orbit: Orbit) -> None:
    assert orbit.ask(orbit.headers(), body=OTHER_BODY).status_code == 401


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_expired_or_premature_call_is_refused(orbit: Orbit, minutes: int) -> None:
    assert orbit.ask(orbit.headers(at=time.time() + 60 * minutes)).status_code == 401


def test_a_replayed_call_is_refused(orbit: Orbit) -> None:
    headers = orbit.headers()
    assert [orbit.ask(headers).status_code for _ in range(2)] == [200, 401]


def test_a_call_that_was_signed_for_another_service_is_refused(orbit: Orbit) -> None:
    assert orbit.ask(orbit.headers(callee="orbit")).status_code == 401


def test_another_callers_key_does_not_fit_orbits_certificate(
    axon_orbit: Driver, orbit: Orbit
) -> None:
    web = Orbit(orbit.axon_url, "web.1", "whatever web's secret is, axon was never given its key")
    assert web.ask(web.headers()).status_code in (401, 403)


def test_a_refusal_says_the_same_whatever_was_wrong_and_the_log_says_what(
    axon_orbit: Driver, orbit: Orbit
) -> None:
    forged = orbit.headers(secret="not orbit's secret", correlation_id="test-forged")
    expired = orbit.headers(at=time.time() - 600, correlation_id="test-expired")
    answers = [orbit.ask(headers).json() for headers in (forged, expired)]
    assert len({answer["reason"] for answer in answers}) == 1
    said = [
        until(lambda each=each: axon_said(axon_orbit, each))
        for each in ("test-forged", "test-expired")
    ]
    assert said[0] != said[1]


def test_a_call_that_policy_forbids_is_denied_by_axon_itself_and_audited(
    axon_orbit: Driver, orbit: Orbit
) -> None:
    answer = orbit.ask(orbit.headers(path="/retrain"), path="/retrain")
    assert answer.status_code == 403
    denial = answer.json()
    assert denial["error"] == "denied"
    entry = until(lambda: audited(axon_orbit, denial["decision_id"]))[0]
    assert (entry["service"], entry["intent"], entry["verdict"]) == ("axon", "retrain", "deny")
    assert entry["policies"] == ["retrain-only-in-training"]


def test_the_audit_log_is_whole(axon_orbit: Driver, orbit: Orbit) -> None:
    assert orbit.ask(orbit.headers()).status_code == 200
    chains = axon_orbit.json("policy", "audit", "--verify")["chains"]
    assert chains
    assert all(chain["whole"] for chain in chains)


def audited(driver: Driver, decision_id: str) -> list[dict[str, Any]]:
    """The denial with this id in the audit log; empty while it is not there."""
    entries = driver.json("policy", "audit", "--verdict", "deny")["entries"]
    return [entry for entry in entries if entry["decision_id"] == decision_id]


def axon_said(driver: Driver, correlation_id: str) -> set[str]:
    """The reasons in axon's own log lines about a request."""
    lines = driver.logged(correlation_id)
    return {
        f"{line['message']} {line.get('reason')}" for line in lines if line["replica"] != "envoy"
    }

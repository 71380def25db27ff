"""Everything rendered: as the golden files say, complete in itself, and valid to Envoy."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.mesh.mesh_scenarios import SCENARIOS, one_file, rendered, scenario, scenario_names

from fairway.targets.local.identity.authority import Authority
from fairway.targets.local.mesh.binary import envoy_binary
from fairway.targets.mesh.render.document import (
    seconds,
)
from fairway_runtime.agent.files import (
    digest,
    identity_secret,
    trust_secret,
)

CASES = [(name, envoy) for name in scenario_names() for envoy in scenario(name).names]


@pytest.mark.parametrize(("name", "envoy"), CASES)
def test_the_files_are_as_reviewed(name: str, envoy: str) -> None:
    folder = SCENARIOS / name / envoy
    found = {n: json.dumps(f, indent=1) + "\n" for n, f in rendered(scenario(name), envoy).items()}
    if os.environ.get("FAIRWAY_UPDATE_GOLDEN"):
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.json"):
            old.unlink()
        for file, text in found.items():
            (folder / file).write_text(text)
    assert {file.name: file.read_text() for file in folder.glob("*.json")} == found


@pytest.mark.envoy
@pytest.mark.parametrize(("name", "envoy"), CASES)
def test_envoys_own_check_passes(name: str, envoy: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = Authority.open(tmp_path / "ca", tmp_path / "identity", "check.local", now)
    leaf = authority.leaf(envoy, now)
    secrets = {
        "identity": identity_secret(leaf.certificate, leaf.key),
        "trust": trust_secret(authority.trust_bundle),
    }
    (tmp_path / "logs").mkdir()
    whole = json.dumps(one_file(rendered(scenario(name), envoy, tmp_path), secrets))
    roots = tmp_path / "roots.pem"
    roots.write_text(authority.trust_bundle)
    file = tmp_path / "whole.json"
    file.write_text(whole.replace("/etc/ssl/certs/ca-certificates.crt", str(roots)))
    argv = [str(envoy_binary(os.environ)), "--mode", "validate", "-l", "warning", "-c", str(file)]
    check = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stderr
    assert "deprecated" not in check.stderr.lower()


@pytest.mark.parametrize(("name", "envoy"), CASES)
def test_files_name_only_what_is_there(name: str, envoy: str) -> None:
    files = rendered(scenario(name), envoy)
    clusters = {cluster["name"] for cluster in files["cds.json"]["resources"]}
    text = json.dumps([file for n, file in files.items() if n.startswith("rds.")])
    for route in _routes(json.loads(text)):
        action = route.get("route", {})
        named = [action.get("cluster")] if "cluster" in action else []
        named += [c["name"] for c in action.get("weighted_clusters", {}).get("clusters", [])]
        assert set(named) <= clusters
    for listener in files["lds.json"]["resources"]:
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        if "rds" in manager:
            assert f"rds.{manager['rds']['route_config_name']}.json" in files
        else:
            assert manager["route_config"]["virtual_hosts"]
    for cluster in files["cds.json"]["resources"]:
        if cluster["type"] == "EDS":
            assert f"eds.{cluster['name']}.json" in files


def test_who_calls_nobody_needs_no_file_for_it() -> None:
    """Each file takes one of the few file watchers of a user; the answer is a no all the same."""
    files = rendered(scenario("two-services"), "axon")
    assert "rds.egress.json" not in files
    assert len(files) == 5  # with the bootstrap; the two secrets come on top
    egress = next(r for r in files["lds.json"]["resources"] if r["name"] == "egress")
    manager = egress["filter_chains"][0]["filters"][0]["typed_config"]
    (nobody,) = manager["route_config"]["virtual_hosts"]
    assert nobody["domains"] == ["*"]
    assert nobody["routes"][0]["direct_response"] == {"status": 403}


def _routes(value: object) -> list[dict[str, dict[str, object]]]:
    if isinstance(value, dict):
        own = (
            [value] if "match" in value and ("route" in value or "direct_response" in value) else []
        )
        return own + [found for inner in value.values() for found in _routes(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _routes(inner)]
    return []


def test_what_changes_in_a_running_system_is_not_in_the_listeners() -> None:
    """A change by LDS would drain connections."""
    view = scenario("canary")
    before = rendered(view, "axon")["lds.json"]
    axon = view.sidecars["axon"]
    for change in (
        {"versions": axon.versions[:1]},
        {"grants": ()},
        {"public": ()},
    ):
        changed = replace(view, sidecars={**view.sidecars, "axon": replace(axon, **change)})
        assert rendered(changed, "axon")["lds.json"] == before


def test_a_grant_that_nobody_declares_is_dropped() -> None:
    """`stranger` is allowed by the table, but calls nothing in the app file."""
    grants = {
        grant.intent: grant.principals for grant in scenario("canary").sidecars["axon"].grants
    }
    assert grants == {"ask": ("feeder", "gateway"), "chat": ("feeder",)}


def test_a_service_without_a_version_answers_503_itself() -> None:
    routes = rendered(scenario("gateway-hosts"), "admin")["rds.inbound.json"]["resources"][0]
    answers = [r["direct_response"] for r in routes["virtual_hosts"][0]["routes"]]
    assert [answer["status"] for answer in answers] == [503, 503, 403]


@given(st.floats(min_value=0, max_value=1e6))
def test_seconds_are_what_protobuf_reads(value: float) -> None:
    text = seconds(value)
    assert text.endswith("s")
    assert float(text[:-1]) == pytest.approx(value, abs=1e-6)
    assert "e" not in text


def test_equal_content_has_an_equal_version() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})

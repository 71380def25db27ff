"""Documents of the mesh on ECS: what every Envoy is told, and that Envoy itself can read it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.mesh_rig import DeclaredCalls
from tests.unit.mesh.mesh_scenarios import one_file

from fairway.errors import InvalidInput
from fairway.governance.bundle import build_bundle
from fairway.model.app import App
from fairway.targets.aws.mesh import ports
from fairway.targets.aws.mesh.documents import documents_of
from fairway.targets.aws.mesh.ports import callee_port, callee_ports, callee_variables
from fairway.targets.aws.ports import Document, Rules
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.contract import Routing, Split
from fairway.targets.local.identity.authority import Authority
from fairway.targets.local.mesh.binary import envoy_binary
from fairway_runtime.agent.files import identity_secret, trust_secret

DECLARED: dict[str, Any] = {
    "app": "shop",
    "environments": {"prod": {"target": "aws-ecs", "aws": {"outside_mesh": ["old"]}}},
    "services": {
        "axon": {
            "image": "a",
            "library": True,
            "secrets": ["MODEL_KEY"],
            "health": "/health",
            "intents": {"reason": "POST /reason", "read": "GET /items/{id}"},
        },
        "orbit": {
            "image": "o",
            "health": "/health",
            "public": [{"path": "/"}, {"path": "/old", "legacy": "https://legacy.example.com/v1"}],
            "intents": {"dispatch": "POST /dispatch"},
            "calls": {"axon": ["reason", "read"], "old": ["ask"]},
        },
        "old": {"image": "x", "intents": {"ask": "GET /ask"}, "public": "/ask"},
        "pages": {"kind": "static", "root": "site", "public": "/pages"},
        "mail": {"image": "m", "kind": "worker", "calls": {"axon": ["read"]}},
    },
}


def standing(routing: Routing | None = None, **versions: dict[str, int]) -> Standing:
    app = App.model_validate(DECLARED).model_dump(mode="json", exclude_none=True)
    every = {name: {"r1": 100} for name in app["services"]} | versions
    services = {
        name: tuple(
            StandingVersion(v, app["services"][name], "i", "d", 1, weight)
            for v, weight in found.items()
        )
        for name, found in every.items()
    }
    return Standing("prod", app, services, routing)


def documents(it: Standing) -> dict[str, Document]:
    bundle = build_bundle(it.model, "prod", 1, "")
    rules = Rules(bundle, DeclaredCalls(it.model))
    return {document.key: document for document in documents_of(it, "eu-central-1", rules)}


def files(it: Standing, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(documents(it)[key].text)["files"]
    return found


TRIAL = Routing({"axon": Split({"r1": 75, "r8": 25}, "r8")}, "r8")
BOTH = {"axon": {"r1": 75, "r8": 25}}


def test_there_is_a_document_for_every_envoy_and_for_every_app() -> None:
    assert set(documents(standing(TRIAL, **BOTH))) == {
        "mesh/gateway/envoy.json",
        *(f"mesh/{v}/envoy.json" for v in ("axon/r1", "axon/r8", "orbit/r1", "mail/r1")),
        *(f"handouts/{v}.json" for v in ("axon/r1", "axon/r8", "orbit/r1", "mail/r1")),
    }


def test_equal_standing_makes_equal_documents_and_a_shift_changes_only_who_divides() -> None:
    before = documents(standing(TRIAL, **BOTH))
    assert before == documents(standing(TRIAL, **BOTH))
    split = {"axon": Split({"r1": 50, "r8": 50}, "r8")}
    after = documents(standing(replace(TRIAL, services=split), axon={"r1": 50, "r8": 50}))
    changed = {key for key in before if before[key].digest != after[key].digest}
    assert changed == {"mesh/orbit/r1/envoy.json", "mesh/mail/r1/envoy.json"}


def test_callers_know_every_version_by_its_name_in_cloud_map() -> None:
    clusters = files(standing(TRIAL, **BOTH), "mesh/orbit/r1/envoy.json")["cds.json"]["resources"]
    hosts = {
        cluster["name"]: cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"][
            "address"
        ]["socket_address"]
        for cluster in clusters
        if cluster["name"].startswith("callee.")
    }
    assert hosts == {
        f"callee.axon.{v}": {"address": f"axon-{v}.svc.local", "port_value": 15006}
        for v in ("r1", "r8")
    }


def test_what_has_no_sidecar_is_in_nobodys_mesh() -> None:
    text = "".join(document.text for document in documents(standing()).values())
    assert "callee.old" not in text
    assert "callee.pages" not in text


def test_a_task_knows_only_its_own_version_and_marks_with_its_cohort() -> None:
    found = files(standing(TRIAL, **BOTH), "mesh/axon/r8/envoy.json")
    assert [name for name in found if name.startswith("eds.")] == ["eds.replicas.r8.json"]
    routes = found["rds.inbound.json"]["resources"][0]["virtual_hosts"][0]["routes"]
    marks = {
        header["header"]["value"]
        for route in routes
        for header in route.get("request_headers_to_add", ())
        if header["header"]["key"] == "x-fairway-cohort"
    }
    assert marks == {"r8"}


def test_the_gateway_believes_no_guest_about_cohorts() -> None:
    routes = json.dumps(
        files(standing(TRIAL, **BOTH), "mesh/gateway/envoy.json")["rds.gateway.json"]
    )
    matches = json.loads(routes)["resources"][0]["virtual_hosts"][0]["routes"]
    headers = {h["name"] for r in matches for h in r["match"].get("headers", ())}
    assert "x-fairway-cohort" not in headers
    assert "baggage" not in headers


def test_a_route_is_shifted_from_a_legacy_upstream_by_the_weights_of_its_service() -> None:
    it = standing(
        Routing({"orbit": Split({"r1": 75, "r8": 25}, "r8")}, "r8"), orbit={"r1": 75, "r8": 25}
    )
    r1, r8 = it.services["orbit"]
    taken = {**r8.declared, "public": [{"path": "/"}, {"path": "/old"}]}
    it = replace(it, services={**it.services, "orbit": (r1, replace(r8, declared=taken))})
    found = files(it, "mesh/gateway/envoy.json")
    routes = found["rds.gateway.json"]["resources"][0]["virtual_hosts"][0]["routes"]
    split = [r for r in routes if r["match"].get("path_separated_prefix") == "/old"][-1]["route"]
    weights = {c["name"].split(".")[0]: c for c in split["weighted_clusters"]["clusters"]}
    assert {kind: c["weight"] for kind, c in weights.items()} == {"callee": 25, "legacy": 75}
    assert weights["callee"]["name"].startswith("callee.orbit.r8.")
    names = {cluster["name"] for cluster in found["cds.json"]["resources"]}
    assert {c["name"] for c in split["weighted_clusters"]["clusters"]} <= names


def test_a_version_without_tasks_gets_nothing_by_weight() -> None:
    it = standing(axon={"r1": 50, "r8": 50})
    r1, r8 = it.services["axon"]
    gone = replace(it, services={**it.services, "axon": (r1, replace(r8, replicas=0))})
    routes = json.dumps(files(gone, "mesh/orbit/r1/envoy.json")["rds.egress.json"])
    assert "callee.axon.r1" in routes
    assert "callee.axon.r8" not in routes


def test_secrets_are_named_and_their_values_are_nowhere() -> None:
    handed = json.loads(documents(standing())["handouts/axon/r1.json"].text)
    assert handed["secrets"] == {
        "secrets/MODEL_KEY": "shop-prod/axon/MODEL_KEY",
        "identity": "shop-prod/axon/identity",
    }
    assert json.loads(documents(standing())["handouts/orbit/r1.json"].text)["secrets"] == {}


def test_an_app_that_was_kept_as_json_asks_for_no_more_retries() -> None:
    routes = files(standing(), "mesh/orbit/r1/envoy.json")["rds.egress.json"]["resources"][0]
    others = routes["virtual_hosts"][0]["routes"][-1]["route"]["retry_policy"]
    assert others["retry_on"].startswith("connect-failure,")


def test_ports_follow_from_names_as_in_hcl() -> None:
    first = int(hashlib.sha256(b"axon").hexdigest()[:8], 16)
    assert callee_port("axon") == 20_000 + first % 10_000
    assert callee_variables("orbit", ["axon"]) == {
        "AXON_URL": f"http://127.0.0.1:{callee_port('axon')}",
        "FAIRWAY_EGRESS_URL": f"http://127.0.0.1:{ports.EGRESS}",
    }


def test_two_callees_never_share_a_port() -> None:
    seen: dict[int, str] = {}
    for number in range(10_000):
        name = f"service-{number}"
        other = seen.setdefault(callee_port(name), name)
        if other != name:
            with pytest.raises(InvalidInput, match="same port"):
                callee_ports("orbit", [name, other])
            return
    raise AssertionError("no collision among 10 000 names")


@pytest.mark.envoy
@pytest.mark.parametrize("routing", [None, TRIAL, replace(TRIAL, mirror=20)])
def test_envoy_accepts_every_document(routing: Routing | None, tmp_path: Path) -> None:
    weights = {"r1": 100, "r8": 0} if routing is not None and routing.mirror else BOTH["axon"]
    now = datetime.now(UTC)
    authority = Authority.open(tmp_path / "ca", tmp_path / "identity", "shop.prod", now)
    leaf = authority.leaf("orbit", now)
    secrets = {
        "identity": identity_secret(leaf.certificate, leaf.key),
        "trust": trust_secret(authority.trust_bundle),
    }
    roots, file = tmp_path / "roots.pem", tmp_path / "whole.json"
    roots.write_text(authority.trust_bundle)
    for document in documents(standing(routing, axon=weights)).values():
        if document.kind != "mesh":
            continue
        whole = json.dumps(one_file(json.loads(document.text)["files"], secrets))
        file.write_text(whole.replace("/etc/ssl/certs/ca-certificates.crt", str(roots)))
        argv = [str(envoy_binary(os.environ)), "--mode", "validate", "-l", "warning"]
        done = subprocess.run(
            [*argv, "-c", str(file)], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{document.key}: {done.stderr[-600:]}"
        assert "deprecated" not in done.stderr.lower()

"""Commands that ask a running control plane, over its real API on a real socket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.unit.cli.cli_driver import CommandLine

from fairway.cli.place import reach
from fairway.governance.bundle import build_bundle
from fairway.model.app import App
from fairway.targets.local.layout import StateDir, write_private


def test_nothing_runs_is_said_with_the_remedy(fairway: CommandLine) -> None:
    done = fairway("status")
    assert done.code == 5
    assert "fairway up -d" in done.err


def test_no_app_file_is_said(fairway: CommandLine) -> None:
    (fairway.folder / "fairway.yaml").unlink()
    assert fairway("status").code == 9
    assert fairway("status", "--file", "other.yaml").code == 9


def test_a_dead_control_plane_is_told_from_none(fairway: CommandLine) -> None:
    state = StateDir(fairway.folder)
    state.home.mkdir(parents=True)
    state.control.write_text(
        json.dumps({"pid": 2**22 + 1, "url": "http://127.0.0.1:1", "token": "t"})
    )
    assert reach(state) is None
    assert "control-plane-dead" in fairway("status").err


def test_another_program_on_the_port_is_not_the_control_plane(
    control: MemoryControl, fairway: CommandLine
) -> None:
    state = StateDir(fairway.folder)
    assert reach(state) is not None
    found = json.loads(state.control.read_text())
    state.control.write_text(json.dumps(found | {"pid": 1}))
    assert reach(state) is None
    state.control.write_text(json.dumps(found | {"token": "wrong"}))
    assert reach(state) is None
    state.control.write_text(json.dumps(found))


def test_status_for_people_and_for_programs(control: MemoryControl, fairway: CommandLine) -> None:
    shown = fairway("status")
    assert shown.code == 0
    assert "orbit    healthy  2/2" in shown.out
    assert "orbit.1" not in shown.out
    assert "orbit.1" in fairway("status", "-v").out
    found = fairway("status", "--json").json
    assert found["gateway_url"] == "http://127.0.0.1:8080"
    assert found["api_url"].startswith("http://127.0.0.1:")


def test_the_app_file_is_found_from_a_folder_below(
    control: MemoryControl, fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = fairway.folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert fairway("status").code == 0
    monkeypatch.chdir("/")
    assert fairway("status").code == 9
    assert fairway("status", "--file", str(fairway.folder)).code == 0


def test_an_environment_has_its_own_control_plane(
    control: MemoryControl, fairway: CommandLine
) -> None:
    assert fairway("status", "--env", "staging").code == 5


def test_restart_and_scale(control: MemoryControl, fairway: CommandLine) -> None:
    restarted = fairway("restart", "axon", "orbit", "--json").json
    assert [s["replicas"][0]["restarts"] for s in restarted["services"]] == [1, 1]
    scaled = fairway("scale", "axon=3", "orbit=0", "--json").json
    assert [len(s["replicas"]) for s in scaled["services"]] == [3, 0]
    assert fairway("restart", "nobody").code == 9


@pytest.mark.parametrize("text", ["axon", "axon=", "=2", "axon=two", "axon=-1", "axon=²"])
def test_scale_refuses_what_is_not_a_number(fairway: CommandLine, text: str) -> None:
    done = fairway("scale", text)
    assert done.code == 2
    assert "fairway scale orbit=3" in done.err


def test_open_prints_the_public_address(control: MemoryControl, fairway: CommandLine) -> None:
    assert fairway("open", "orbit", "--print").out == "http://127.0.0.1:8080/\n"
    assert fairway("open", "--print").out == "http://127.0.0.1:8080\n"
    assert fairway("open", "axon", "--print").code == 9
    assert "did you mean 'orbit'?" in fairway("open", "orbti", "--print").err


def test_up_says_that_it_runs_already(control: MemoryControl, fairway: CommandLine) -> None:
    done = fairway("up", "-d")
    assert done.code == 0
    assert "already running" in done.err
    assert "fairway deploy local" in done.err
    assert fairway("up", "--watch").code == 4
    assert "try      fairway call orbit /" in done.out


def test_up_proposes_a_call_that_is_answered(control: MemoryControl, fairway: CommandLine) -> None:
    """`/` is public, but nothing says that the service answers there; its health path it does."""
    app = App.model_validate(
        {"app": "shop", "services": {"orbit": {"run": "x", "health": "/health", "public": "/"}}}
    )
    bundle = build_bundle(app, "local", 1, "")
    write_private(StateDir(fairway.folder).policy_bundle, bundle.to_json().encode())
    assert "try      fairway call orbit /health\n" in fairway("up", "-d").out


def test_down_shows_the_stop_and_waits_for_it(control: MemoryControl, fairway: CommandLine) -> None:
    done = fairway("down")
    assert (done.code, done.out) == (0, "everything is stopped\n")
    assert "nothing is left" in done.err
    assert control.phase == "stopped"
    assert not StateDir(fairway.folder).control.exists()


def test_secrets_through_the_api(
    control: MemoryControl, fairway: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    value = tmp_path / "value"
    value.write_text("s3cr3t\n")
    assert "not set" in fairway("secrets", "list").out
    assert fairway("secrets", "rotate", "AXON_MODEL_KEY").code == 4
    with value.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        done = fairway("secrets", "set", "AXON_MODEL_KEY", "--json")
    assert done.json["version"] == 1
    assert "s3cr3t" not in done.out + done.err
    assert control._secrets["AXON_MODEL_KEY"] == ("s3cr3t", 1)
    assert fairway("secrets", "rotate", "AXON_MODEL_KEY", "--json").json["version"] == 2
    assert fairway("secrets", "rotate", "--signing", "--of", "web", "--json").json == {
        "rotated": ["web"]
    }
    assert fairway("secrets", "rotate").code == 2
    assert fairway("secrets", "rotate", "A", "--signing").code == 2


def test_an_empty_secret_is_refused(
    control: MemoryControl, fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/null").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert fairway("secrets", "set", "AXON_MODEL_KEY").code == 2


def test_policy_sets_through_the_api(control: MemoryControl, fairway: CommandLine) -> None:
    policies = fairway.folder / "p.cedar"
    policies.write_text("permit(principal, action, resource);\n")
    made = fairway("policy", "create", "--policies", "p.cedar", "-m", "all", "--json").json
    assert (made["version"], made["description"]) == (1, "all")
    policies.write_text("forbid(principal, action, resource);\n")
    assert fairway("policy", "update", "1", "--policies", "p.cedar", "--expected", "1").code == 0
    assert fairway("policy", "update", "1", "--policies", "p.cedar", "--expected", "1").code == 4
    assert "-permit" in fairway("policy", "diff", "1", "2").out
    assert fairway("policy", "show", "2").out == "forbid(principal, action, resource);\n"
    assert fairway("policy", "activate", "1").code == 0
    assert fairway("policy", "activate", "2", "--expected", "2").code == 4
    assert fairway("policy", "activate", "2", "--expected", "1", "--json").json["previous"] == 1
    assert "policy set 1 decides instead of 2" in fairway("policy", "rollback").out
    assert fairway("policy", "delete", "1").code == 4
    assert fairway("policy", "delete", "2", "--json").json == {"deleted": 2}
    assert [s["version"] for s in fairway("policy", "list", "--json").json] == [1]
    assert fairway("policy", "show", "9").code == 9


async def _ask(control: MemoryControl) -> None:
    from fairway.control.recorded import Question

    await control.decide(Question("Client", "web", "orbit", "dispatch"))
    await control.decide(Question("Client", "web", "orbit", "destroy"))


def test_audit_filters_and_fails_on_a_broken_chain(
    control: MemoryControl, fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    asyncio.run(_ask(control))
    denied = fairway("policy", "audit", "--verdict", "deny", "--json").json
    assert [entry["intent"] for entry in denied["entries"]] == ["destroy"]
    whole = fairway("policy", "audit", "--verify")
    assert whole.code == 0
    assert "chain control: whole, 2 entries" in whole.out
    control.damaged = "entry 2 was changed"
    broken = fairway("policy", "audit", "--verify")
    assert broken.code == 1
    assert "entry 2 was changed" in broken.out
    assert fairway("policy", "audit", "--verdict", "maybe").code == 2

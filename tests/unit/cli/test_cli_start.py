"""`init`, `doctor`, `schema`, `run` and the offline `policy` commands."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.cli.cli_driver import CommandLine

from fairway.cli import checks
from fairway.cli.checks import Subject, examine
from fairway.cli.commands.run import own_command
from fairway.cli.detect import find_services
from fairway.cli.output import Painter, coloured_diff
from fairway.cli.policy_text import context_of, principal_of
from fairway.errors import InvalidInput
from fairway.model.services import Service
from fairway.targets.local.layout import StateDir

FASTAPI = "from fastapi import FastAPI\n\napi: FastAPI = FastAPI(title='x')\n"


@pytest.fixture
def project(fairway: CommandLine) -> Callable[[dict[str, str]], None]:
    """Fills the working directory with files instead of an app file."""

    def fill(files: dict[str, str]) -> None:
        (fairway.folder / "fairway.yaml").unlink(missing_ok=True)
        for name, text in files.items():
            file = fairway.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    return fill


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"main.py": FASTAPI}, {"": "uvicorn main:api --port $PORT"}),
        ({"shop/__init__.py": "", "shop/app.py": "app = Flask(__name__)"},
         {"": "flask --app shop.app:app run --port $PORT"}),
        ({"src/shop/__init__.py": FASTAPI}, {"": "uvicorn shop:api --port $PORT"}),
        ({"manage.py": ""}, {"": "python manage.py runserver 127.0.0.1:$PORT"}),
        ({"package.json": '{"scripts": {"start": "x"}}'}, {"": "npm start"}),
        ({"package.json": '{"main": "web.js"}', "web.js": ""}, {"": "node web.js"}),
        ({"package.json": "{", "index.html": ""},
         {"": None}),
        ({"services/a/main.py": FASTAPI, "services/b/server.js": "",
          "services/b/package.json": "{}", "site/index.html": "",
          "node_modules/x/index.html": "", ".git/index.html": ""},
         {"services/a": "uvicorn main:api --port $PORT", "services/b": "node server.js",
          "site": None}),
        ({"notes.txt": "nothing"}, {}),
    ],
)  # fmt: skip
def test_programs_are_found_where_they_are(
    fairway: CommandLine,
    project: Callable[[dict[str, str]], None],
    files: dict[str, str],
    found: dict[str, str | None],
) -> None:
    project(files)
    services = find_services(fairway.folder)
    assert {service.folder or "": service.run for service in services} == found
    assert fairway("init").code == 0
    assert fairway("validate").code == 0


def test_an_example_never_serves_the_folder_that_holds_the_keys(
    fairway: CommandLine, project: Callable[[dict[str, str]], None]
) -> None:
    project({"notes.txt": "nothing"})
    assert "site/index.html" in fairway("init").out
    assert "--directory site" in (fairway.folder / "fairway.yaml").read_text()
    assert "It runs" in (fairway.folder / "site/index.html").read_text()
    (fairway.folder / "site/index.html").write_text("mine")
    assert fairway("init", "--force").code == 0
    assert (fairway.folder / "site/index.html").read_text() == "mine"


def test_a_folder_of_pages_is_a_static_site(
    fairway: CommandLine, project: Callable[[dict[str, str]], None]
) -> None:
    project({"index.html": "<h1>hello</h1>"})
    assert fairway("init").code == 0
    text = (fairway.folder / "fairway.yaml").read_text()
    assert "kind: static" in text
    assert "http.server" not in text


def test_init_never_overwrites_unless_told(fairway: CommandLine) -> None:
    before = (fairway.folder / "fairway.yaml").read_text()
    assert fairway("init").code == 4
    assert (fairway.folder / "fairway.yaml").read_text() == before
    assert fairway("init", "--force").code == 0
    assert (fairway.folder / "fairway.yaml").read_text() != before


def test_init_respects_the_other_spelling_too(fairway: CommandLine) -> None:
    (fairway.folder / "fairway.yaml").rename(fairway.folder / "fairway.yml")
    assert fairway("init").code == 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Procfile", "web: uvicorn a:b --port $PORT\nclock: python clock.py\n"),
        ("compose.yaml", "services:\n  web:\n    build: web\n    ports: ['8000:8000']\n"),
    ],
)
def test_init_carries_over_what_is_there(
    fairway: CommandLine,
    project: Callable[[dict[str, str]], None],
    name: str,
    text: str,
) -> None:
    project({name: text, "main.py": FASTAPI})
    done = fairway("init", "--json")
    assert (done.code, done.json["from"]) == (0, str(fairway.folder / name))
    assert "web:" in (fairway.folder / "fairway.yaml").read_text()
    assert fairway("init", "--force", "--from", name).code == 0


def test_init_from_what_it_does_not_know(
    fairway: CommandLine, project: Callable[[dict[str, str]], None]
) -> None:
    project({"Makefile": "all:\n"})
    assert fairway("init", "--from", "Makefile").code == 2
    assert fairway("init", "--from", "absent.yaml").code == 2
    assert fairway("init", "absent-folder").code == 9
    assert not (fairway.folder / "fairway.yaml").exists()


def test_schema_is_json_schema(fairway: CommandLine) -> None:
    assert fairway("schema").json["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
def plenty_of_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A limit of its own: other tests of this machine run Envoys at the same time."""
    limit = tmp_path / "max_user_instances"
    limit.write_text("100000\n")
    monkeypatch.setattr(checks, "_INOTIFY_LIMIT", limit)
    return limit


@pytest.mark.usefixtures("plenty_of_watches")
def test_doctor_is_content_with_this_machine(fairway: CommandLine) -> None:
    done = fairway("doctor", "--json")
    assert (done.code, done.json["ok"]) == (0, True)
    assert {check["name"] for check in done.json["checks"]} >= {"python", "envoy", "state", "disk"}
    assert "everything that is needed is here" in fairway("doctor").out


@pytest.mark.usefixtures("plenty_of_watches")
def test_doctor_works_without_an_app_file(fairway: CommandLine) -> None:
    (fairway.folder / "fairway.yaml").unlink()
    assert fairway("doctor").code == 0
    assert fairway("doctor", "--file", "absent.yaml").code == 9


def test_doctor_says_that_envoy_is_missing_and_how_to_get_it(
    fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRWAY_ENVOY", "/nowhere/envoy")
    done = fairway("doctor")
    assert done.code == 1
    assert "✗ envoy" in done.out
    assert "FAIRWAY_ENVOY" in done.out


@pytest.mark.parametrize(
    ("script", "words"),
    [("exit 3", "does not run"), ("echo envoy version: abc/1.20.0/x", "too old"),
     ("echo GLIBC_2.99 not found >&2; exit 1", "GLIBC_2.99")],
)  # fmt: skip
def test_doctor_tries_the_envoy(
    fairway: CommandLine, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    envoy = fairway.folder / "envoy"
    envoy.write_text(f"#!/bin/sh\n{script}\n")
    envoy.chmod(0o755)
    monkeypatch.setenv("FAIRWAY_ENVOY", str(envoy))
    check = checks.check_envoy(Subject(None, fairway.folder))
    assert (check.outcome, words in check.detail) == ("problem", True)
    assert "pip install" in check.remedy


def test_doctor_protects_keys(fairway: CommandLine) -> None:
    state = StateDir(fairway.folder)
    state.root.mkdir(mode=0o700)
    subject = Subject(state, fairway.folder)
    state.version_file.write_text("99\n")
    assert checks.check_state(subject).outcome == "warning"
    state.version_file.write_text("1\n")
    assert checks.check_state(subject).outcome == "ok"
    state.root.chmod(0o755)
    found = checks.check_state(subject)
    assert (found.outcome, found.remedy) == ("problem", f"chmod -R go= {state.root}")


def test_doctor_sees_a_long_socket_folder(
    fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/tmp/" + "x" * 100)
    check = checks.check_sockets(Subject(StateDir(fairway.folder), fairway.folder))
    assert (check.outcome, "TMPDIR" in check.remedy) == ("problem", True)


def test_doctor_sees_a_clock_in_the_past(
    fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = Subject(None, fairway.folder)
    assert checks.check_clock(subject).outcome == "ok"
    monkeypatch.setattr("fairway.cli.checks.time.time", lambda: 0.0)
    assert checks.check_clock(subject).outcome == "problem"


def test_doctor_sees_that_no_envoy_could_watch_its_files(
    fairway: CommandLine, plenty_of_watches: Path
) -> None:
    subject = Subject(None, fairway.folder)
    assert checks.check_watches(subject).outcome == "ok"
    plenty_of_watches.write_text("1\n")
    assert checks.check_watches(subject).outcome == "problem"
    plenty_of_watches.unlink()
    assert checks.check_watches(subject).outcome == "ok"


def test_a_taken_gateway_port_is_only_a_warning(fairway: CommandLine) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        except OSError:
            pass  # somebody else has it: as good for this test
        check = checks.check_gateway_port(Subject(None, fairway.folder))
    assert check.outcome == "warning"


def test_every_check_that_is_not_ok_has_a_remedy(fairway: CommandLine) -> None:
    for check in examine(Subject(StateDir(fairway.folder), fairway.folder)):
        assert bool(check.remedy) == (check.outcome != "ok")


def test_only_jobs_run_without_a_command() -> None:
    job = Service.model_validate({"kind": "job", "run": "./migrate --all"})
    assert own_command("migrate", job) == ["/bin/sh", "-c", "exec ./migrate --all"]
    with pytest.raises(InvalidInput):
        own_command("web", Service.model_validate({"run": "./serve"}))


def test_run_has_the_services_environment_and_passes_the_exit_code_on(
    fairway: CommandLine,
) -> None:
    script = "echo $FAIRWAY_SERVICE $AXON_URL > said; exit 7"
    assert fairway("run", "orbit", "--", "sh", "-c", script).code == 7
    assert fairway("run", "orbit", "sh", "-c", "exit 8").code == 8
    said = (fairway.folder / "said").read_text()
    assert said.startswith("orbit http://127.0.0.1:")
    assert fairway("run", "orbti", "--", "true").code == 9
    assert fairway("run", "orbit", "--", "no-such-command-anywhere").code == 9
    assert fairway("run", "orbit").code == 2
    assert fairway("run", "orbit", "--", "sh", "-c", "kill -9 $$").code == 137


CEDAR = """\
@id("web-dispatches")
permit (principal == Client::"web", action == Action::"dispatch", resource == Service::"orbit");
"""
CASES = """\
cases:
  - name: web may dispatch
    given: {principal: Client::web}
    when: {service: orbit, intent: dispatch}
    expect: {decision: allow, policies: [web-dispatches]}
"""


@pytest.fixture
def policies(fairway: CommandLine) -> Path:
    file = fairway.folder / "fairway.yaml"
    file.write_text(file.read_text() + "policies: policies\n")
    folder = fairway.folder / "policies"
    folder.mkdir()
    (folder / "p.cedar").write_text(CEDAR)
    (folder / "p.test.yaml").write_text(CASES)
    return folder


def test_policy_tests_pass_fail_and_name_what_they_leave_out(
    fairway: CommandLine, policies: Path
) -> None:
    assert "1 cases, 0 failed" in fairway("policy", "test").out
    (policies / "more.cedar").write_text(
        '@id("idle") permit (principal == Service::"orbit", '
        'action == Action::"reason", resource == Service::"axon");\n'
    )
    assert "not exercised: idle" in fairway("policy", "test").out
    (policies / "p.test.yaml").write_text(CASES.replace("allow,", "deny,"))
    failed = fairway("policy", "test", "--json")
    assert (failed.code, failed.json["passed"]) == (1, False)
    (policies / "p.test.yaml").write_text(CASES.replace("web}", "wbe}"))
    broken = fairway("policy", "test")
    assert (broken.code, "policies/p.test.yaml:3:" in broken.err) == (2, True)
    (policies / "p.test.yaml").unlink()
    assert fairway("policy", "test").code == 9


def test_policies_are_validated_with_places(fairway: CommandLine, policies: Path) -> None:
    assert fairway("policy", "validate").code == 0
    (policies / "p.cedar").write_text(CEDAR.replace("web", "wbe"))
    done = fairway("policy", "validate")
    assert (done.code, "policies/p.cedar:2:" in done.err) == (2, True)


def test_simulate_answers_without_sending(fairway: CommandLine, policies: Path) -> None:
    allowed = fairway("policy", "simulate", "Client::web", "orbit", "dispatch", "--json").json
    assert (allowed["allowed"], allowed["policies"]) == (True, ["web-dispatches"])
    denied = fairway("policy", "simulate", 'Service::"axon"', "orbit", "dispatch", "-c", "hour=3")
    assert (denied.code, "DENIED" in denied.out) == (0, True)
    assert fairway("policy", "simulate", "web", "orbit", "dispatch").code == 2
    assert fairway("policy", "simulate", "Robot::web", "orbit", "dispatch").code == 2


def test_policy_sets_without_a_control_plane(fairway: CommandLine, policies: Path) -> None:
    versions = [found["version"] for found in fairway("policy", "list", "--json").json]
    made = fairway("policy", "create", "-m", "by hand", "--json").json
    assert made["version"] > max(versions, default=0)
    assert "web-dispatches" in fairway("policy", "show", str(made["version"])).out
    assert fairway("policy", "audit", "--verify").code == 0


def test_context_values_mean_what_they_look_like() -> None:
    given = context_of(["hour=3", "signed=true", "path=/a=b", "release="])
    assert given == {"hour": 3, "signed": True, "path": "/a=b", "release": ""}
    assert principal_of("Gateway::public").kind == "Gateway"
    with pytest.raises(InvalidInput):
        context_of(["hour"])


def test_a_diff_is_coloured_by_its_lines() -> None:
    text = coloured_diff("--- 1\n+++ 2\n@@ -1 +1 @@\n-a\n+b\n c", Painter(colourful=True))
    assert "\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n c" in text

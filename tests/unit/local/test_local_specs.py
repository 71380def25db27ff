"""From a declared service to what the supervisor runs."""

import sys
from pathlib import Path

import pytest

from fairway.errors import InvalidInput
from fairway.model.services import Service
from fairway.targets.local.environment import Variables
from fairway.targets.local.specs import Surroundings, service_spec

APP = Path("/app")


def spec(**declared):
    around = Surroundings(APP, lambda index, port: Variables({"I": f"{index}:{port}"}, {}), "r1")
    return service_spec("web", Service.model_validate(declared), around)


def test_a_run_line():
    found = spec(run="serve $PORT", build="web", replicas=3, stop={"grace": "3s"})
    assert found.argv == ("/bin/sh", "-c", "exec serve $PORT")
    assert found.command == "serve $PORT"
    assert found.cwd == Path("/app/web")
    assert (found.replicas, found.grace, found.serves) == (3, 3.0, True)


def test_without_a_build_folder_it_runs_beside_the_app_file_and_nothing_is_watched():
    assert spec(run="x").cwd == APP
    assert spec(run="x").watch == ()


def test_what_is_watched():
    assert spec(run="x", build="web").watch == (Path("/app/web"),)
    assert spec(run="x", build="web", watch=["lib", "web/a.py"]).watch == (
        Path("/app/lib"),
        Path("/app/web/a.py"),
    )
    assert spec(kind="static", root="site", build="web").watch == ()


def test_a_static_site_is_served_by_fairway():
    found = spec(kind="static", root="site")
    assert found.argv == (sys.executable, "-m", "fairway.targets.local.static_site", "/app/site")


def test_a_function_is_hosted_by_fairway():
    found = spec(kind="function", handler="app:handle", build="fn")
    assert found.argv == (sys.executable, "-m", "fairway.targets.local.function_host", "app:handle")
    assert found.cwd == Path("/app/fn")


@pytest.mark.parametrize("kind", ["http", "grpc", "websocket", "worker", "job", "function"])
def test_nothing_to_run_is_said_with_the_line_to_add(kind):
    with pytest.raises(InvalidInput) as caught:
        spec(kind=kind, image="registry/image:1")
    assert caught.value.where == "services.web"
    assert ("handler:" if kind == "function" else "run:") in caught.value.remedy


def test_a_launch_carries_the_variables_of_its_replica():
    launch = spec(run="x").launch(2, 18000, Path("/log"))
    assert launch.environment == {"I": "2:18000"}
    assert (launch.replica, launch.port) == (2, 18000)
    assert (launch.version, launch.declaration) == ("working-tree", "r1")


def test_rules_follow_the_declared_health():
    health = {"healthy": 2, "unhealthy": 4, "start_timeout": "5s"}
    rules = spec(run="x", health=health).rules
    assert (rules.healthy, rules.unhealthy, rules.give_up) == (2, 4, 12)
    assert (rules.start_timeout, rules.runs_once) == (5.0, False)
    assert spec(run="x", kind="job").rules.runs_once


@pytest.mark.parametrize(
    ("declared", "beside"),
    [
        ({}, True),
        ({"port": 9000}, False),
        ({"kind": "worker"}, False),
        ({"kind": "job"}, False),
        ({"kind": "grpc"}, True),
    ],
)
def test_who_may_run_beside_its_successor(declared, beside):
    assert spec(run="x", **declared).starts_before_stopping is beside

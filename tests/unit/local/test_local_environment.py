"""The variables of a replica: complete, and no secret of anyone else."""

from dataclasses import replace
from pathlib import Path

import pytest

from fairway.model.services import Service
from fairway.targets.local.environment import (
    ReplicaContext,
    Shell,
    inherited_variables,
    own_variables,
    search_path,
    url_variable,
)
from fairway.targets.local.layout import StateDir

STATE = StateDir(Path("/app"))


def context(**declared):
    return ReplicaContext(
        app="shop",
        environment="local",
        name="orbit",
        service=Service.model_validate({"run": "x", **declared}),
        state=STATE,
        release="r7",
        egress={"axon": 18001, "price-list": 18002},
        egress_port=18003,
        secret_versions={"KEY": 3},
    )


def test_a_program_gets_its_port_its_name_and_its_callees():
    assert own_variables(context(env={"MODE": "fast", "LIMIT": 3}), 1, 18000) == {
        "PORT": "18000",
        "HOST": "127.0.0.1",
        "MODE": "fast",
        "LIMIT": "3",
        "FAIRWAY_APP": "shop",
        "FAIRWAY_ENVIRONMENT": "local",
        "FAIRWAY_SERVICE": "orbit",
        "FAIRWAY_RELEASE": "r7",
        "FAIRWAY_REPLICA": "1",
        "FAIRWAY_FLAGS_FILE": str(STATE.flags),
        "AXON_URL": "http://127.0.0.1:18001",
        "PRICE_LIST_URL": "http://127.0.0.1:18002",
        "FAIRWAY_EGRESS_URL": "http://127.0.0.1:18003",
        "OTEL_SERVICE_NAME": "orbit",
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop,service.version=r7,"
        "service.instance.id=orbit.r7.1,deployment.environment.name=local",
    }


def test_every_sdk_is_told_where_telemetry_goes():
    told = own_variables(replace(context(), otlp="http://127.0.0.1:4318"), 0, 1)
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4318"
    assert told["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"


def test_the_library_is_told_where_its_files_are():
    variables = own_variables(context(library=True, secrets=["KEY"], config={"a": 1}), 0, 1)
    assert variables["FAIRWAY_IDENTITY_DIR"] == str(STATE.identity("orbit"))
    assert variables["FAIRWAY_POLICY_FILE"] == str(STATE.policy_bundle)
    assert variables["FAIRWAY_AUDIT_DIR"] == str(STATE.audit)
    assert variables["FAIRWAY_SECRETS_DIR"] == str(STATE.secrets("orbit"))
    assert variables["FAIRWAY_CONFIG_FILE"] == str(STATE.config("orbit.r7"))
    assert "FAIRWAY_SECRET_VERSIONS" not in variables


def test_a_program_without_the_library_gets_no_identity_and_restarts_for_new_secrets():
    variables = own_variables(context(secrets=["KEY"]), 0, 1)
    assert "FAIRWAY_IDENTITY_DIR" not in variables
    assert variables["FAIRWAY_SECRET_VERSIONS"] == "KEY=3"


def test_a_worker_has_no_port():
    variables = own_variables(context(kind="worker"), 0, None)
    assert "PORT" not in variables
    assert "HOST" not in variables


def test_the_declared_environment_cannot_move_the_port():
    assert own_variables(context(env={"PORT": 80}), 0, 18000)["PORT"] == "18000"


def test_the_shell_is_passed_on_without_what_is_not_for_this_service():
    shell = Shell(
        variables={
            "LANG": "C",
            "KEY": "from the shell",
            "OTHERS_KEY": "x",
            "FAIRWAY_SERVICE": "outer",
            "PATH": "/bin",
        },
        hidden={"KEY", "OTHERS_KEY"},
        venv=None,
    )
    passed = inherited_variables(shell, {"KEY": "value"}, Path("/app"), Path("/app/orbit"))
    assert passed == {
        "LANG": "C",
        "KEY": "value",
        "PYTHONUNBUFFERED": "1",
        "PATH": "/app/orbit/.venv/bin:/app/orbit/node_modules/.bin:/bin",
    }


@pytest.mark.parametrize(
    ("venv", "expected"),
    [
        (None, ["/app/s/.venv/bin", "/app/s/node_modules/.bin", "/bin"]),
        ("/app/.venv", ["/app/s/.venv/bin", "/app/s/node_modules/.bin", "/app/.venv/bin", "/bin"]),
        ("/.venv", ["/app/s/.venv/bin", "/app/s/node_modules/.bin", "/.venv/bin", "/bin"]),
        ("/opt/x", ["/app/s/.venv/bin", "/app/s/node_modules/.bin", "/bin", "/opt/x/bin"]),
    ],
)
def test_where_programs_are_searched(venv, expected):
    path = search_path("/bin", Path("/app"), Path("/app/s"), Path(venv) if venv else None)
    assert path.split(":") == expected


def test_names_of_url_variables():
    assert url_variable("price-list") == "PRICE_LIST_URL"

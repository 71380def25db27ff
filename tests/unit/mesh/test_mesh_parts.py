"""The small parts: the admin socket, the binary, the watchers, the states, the launcher."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from fairway.errors import InvalidInput, Unavailable
from fairway.targets.contract import Routing, Split
from fairway.targets.local.ledger import Ledger
from fairway.targets.local.mesh import watches
from fairway.targets.local.mesh.admin import Admin, AdminUnreachable
from fairway.targets.local.mesh.binary import VARIABLE, envoy_binary
from fairway.targets.local.mesh.envoy import first_complaint, healthy_ports
from fairway.targets.local.mesh.launching import EnvoyLaunch, SupervisedLauncher
from fairway.targets.local.processes import Processes
from fairway.targets.mesh.trials import on_trial, sticky_header
from fairway.targets.mesh.view import LegacyUpstream, Trial, Version
from fairway_runtime.agent.exchange import parse_statistics


def test_statistics_are_numbers_and_texts() -> None:
    text = 'a.b: 12\nversion_text: "abc"\nhistogram: P0(nan,1.0) P25(nan,2.0)\n'
    assert parse_statistics(text) == {"a.b": 12, "version_text": "abc"}


async def test_a_chunked_answer_is_put_together(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(b"5\r\na: 1\n\r\n4\r\nb: 2\r\n0\r\n\r\n")
        writer.close()

    socket = tmp_path / "admin"
    async with await asyncio.start_unix_server(answer, str(socket)):
        assert await Admin(socket).statistics("x|y") == {"a": 1, "b": 2}


async def test_an_absent_envoy_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(AdminUnreachable) as caught:
        await Admin(tmp_path / "nothing").is_ready()
    assert isinstance(caught.value, Unavailable)
    assert str(tmp_path) in caught.value.where


async def test_an_answer_that_is_no_http_is_unavailable(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"nonsense")
        writer.close()

    socket = tmp_path / "admin"
    async with await asyncio.start_unix_server(answer, str(socket)):
        with pytest.raises(AdminUnreachable):
            await Admin(socket).statistics()


def test_an_envoy_of_ones_own_comes_first(tmp_path: Path) -> None:
    own = tmp_path / "envoy"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert envoy_binary({VARIABLE: str(own)}) == own


def test_an_envoy_that_cannot_run_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be executed") as caught:
        envoy_binary({VARIABLE: str(tmp_path / "missing")})
    assert VARIABLE in caught.value.remedy


def test_without_a_wheel_the_error_says_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "envoy", None)  # what an import of an absent package meets
    with pytest.raises(Unavailable) as caught:
        envoy_binary({"PATH": str(tmp_path)})
    assert "macOS" in caught.value.remedy
    assert VARIABLE in caught.value.remedy
    own = tmp_path / "envoy"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    with pytest.raises(Unavailable) as caught:
        envoy_binary({"PATH": str(tmp_path)})
    assert f"{VARIABLE}={own}" in caught.value.remedy


def test_too_few_file_watchers_are_told_before_anything_starts() -> None:
    files = ["bootstrap.json", "lds.json", "cds.json"]
    assert watches.needed([files, files]) == 4
    watches.check(4, available=lambda wanted: wanted)
    with pytest.raises(Unavailable, match="needs 4 file watchers, and only 3 are left") as caught:
        watches.check(4, available=lambda wanted: 3)
    assert "sysctl" in caught.value.remedy


def test_the_watchers_that_are_left_are_counted_and_given_back() -> None:
    """More than the kernel's default cannot be had, and asking twice gives the same answer."""
    assert watches.available(0) == 0
    assert watches.available(1) == watches.available(1) == 1


def test_healthy_means_neither_failing_nor_ejected() -> None:
    def host(port: int, **health: bool) -> dict[str, object]:
        address = {"socket_address": {"port_value": port}}
        return {"address": address, "health_status": {"eds_health_status": "HEALTHY", **health}}

    hosts = [
        host(1),
        host(2, failed_active_health_check=True),
        host(3, failed_outlier_check=True),
    ]
    assert healthy_ports([{"name": "replicas.r1", "host_statuses": hosts}, {"name": "otlp"}]) == {1}


def test_the_first_complaint_is_the_cause() -> None:
    log = "[x][warning] hm\n[x][critical] the cause\n[x][error] the consequence\n  a dump"
    assert first_complaint(log) == "[x][critical] the cause"
    assert first_complaint("bad argument") == "bad argument"
    assert first_complaint("") == "it logged nothing"


@pytest.mark.parametrize("name", ["", "a b", "../x", "r/1", "-r"])
def test_a_version_is_part_of_a_file_name(name: str) -> None:
    with pytest.raises(ValueError, match="a version is named by"):
        Version(name, 1, ())


def launch(folder: Path, *argv: str) -> EnvoyLaunch:
    return EnvoyLaunch("axon", argv or ("/bin/sleep", "60"), folder, folder / "axon.log")


async def test_only_the_very_same_launch_is_adopted(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    first = SupervisedLauncher(Processes(Ledger(ledger), "unit-mesh"))
    handle = first.start(launch(tmp_path))
    processes = Processes(Ledger(ledger), "unit-mesh")
    second = SupervisedLauncher(processes, processes.survey().running)
    try:
        assert second.adopt(launch(tmp_path, "/bin/sleep", "61")) is None
        adopted = second.adopt(launch(tmp_path))
        assert adopted is not None
        assert adopted.pid == handle.pid
        assert second.is_alive(adopted)
        assert second.adopt(launch(tmp_path)) is None
    finally:
        await first.stop(handle, grace=1)
    assert not second.is_alive(adopted)


async def test_survivors_that_nothing_adopts_are_cleared(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    first = SupervisedLauncher(Processes(Ledger(ledger), "unit-mesh-2"))
    handle = first.start(launch(tmp_path))
    processes = Processes(Ledger(ledger), "unit-mesh-2")
    second = SupervisedLauncher(processes, processes.survey().running)
    await second.clear(grace=1)
    assert not first.is_alive(handle)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://old.test", ("old.test", 80, False, "old.test", "")),
        ("https://old.test:8443/a/", ("old.test", 8443, True, "old.test:8443", "/a")),
    ],
)
def test_a_legacy_upstream_is_a_url(url: str, parts: tuple[object, ...]) -> None:
    found = LegacyUpstream(url)
    assert (found.host, found.port, found.secure, found.authority, found.path) == parts


@pytest.mark.parametrize(
    "url", ["old.test", "ftp://old.test", "http://", "http://a/b?c", 'http://a/"']
)
def test_any_other_url_is_no_legacy_upstream(url: str) -> None:
    with pytest.raises(ValueError, match="legacy upstream"):
        LegacyUpstream(url)


@pytest.mark.parametrize("sticky", ["", "header:", "cooky", "header"])
def test_users_are_told_apart_by_cookie_or_header_only(sticky: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be told apart"):
        sticky_header(sticky)


def test_a_service_is_on_trial_only_beside_something_to_compare_it_with() -> None:
    old, new = Version("r7", 1, (1,)), Version("r8", 0, (2,))
    split = Split({"r7": 90, "r8": 10}, candidate="r8")
    routing = Routing({"a": split}, "r8")
    both, trial = on_trial("a", (old, new), routing)
    assert trial == Trial("r8", "r8", "x-fairway-user")
    assert [(v.weight, v.cohort) for v in both] == [(90, "stable"), (10, "r8")]
    assert on_trial("b", (old, new), routing) == ((old, new), None)
    alone, trial = on_trial("a", (new,), routing)
    assert (alone[0].weight, alone[0].cohort, trial) == (10, "", None)
    assert on_trial("a", (old, new), Routing({"a": Split({"r7": 100})}, "r8"))[1] is None

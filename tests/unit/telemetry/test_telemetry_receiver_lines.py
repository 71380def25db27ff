"""From log files to entries: what access lines tell, and following files that are cut."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.errors import InvalidInput
from fairway.targets.local.log_files import rotate
from fairway.telemetry.config import (
    Address,
    IntentPath,
    Objective,
    ReceiverConfig,
    Retention,
    ServiceFacts,
)
from fairway.telemetry.entries import RequestEntry
from fairway.telemetry.lines import LogLine, parse_line, source_of
from fairway.telemetry.receiver.access import AccessLog
from fairway.telemetry.receiver.log_folder import UNEVENTFUL_PER_SECOND, LogFolder, entry_of
from fairway.telemetry.receiver.tailing import Mark, Tail

TRACE = "0af7651916cd43dd8448eb211c80319c"
SERVICES = {
    "orbit": ServiceFacts((IntentPath("item", "GET", "/items/{id}"),), library=True),
    "axon": ServiceFacts((IntentPath("reason", "POST", "/reason"),)),
}
AXON = {"service": "axon", "peer": "spiffe://a.b/orbit", "method": "POST", "path": "/reason"}
EGRESS = AXON | {"direction": "egress", "service": "orbit", "cluster": "callee.axon"}
INBOUND = AXON | {"direction": "inbound", "version": "r2"}


def access_line(fields: dict[str, Any]) -> LogLine:
    usual = {"time": "2026-11-21T08:00:00.500Z", "status": 200, "flags": "-", "attempts": 1}
    rest = {"duration_us": 1500, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    return parse_line(json.dumps(usual | rest | fields), source_of("x.access.log"), 0.0)


def told(fields: dict[str, Any]) -> list[RequestEntry]:
    return list(AccessLog(SERVICES).requests(access_line(fields)))


def test_the_callee_tells_who_asked_for_what() -> None:
    (found,) = told(INBOUND)
    assert found == RequestEntry(
        1795248000.5, "orbit", "axon", "r2", "reason", 0.0015, trace_id=TRACE
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": 503}, {"error": True}),
        ({"status": 0}, {"error": True}),
        ({"status": 499, "duration_us": None}, {"duration": 0.0}),
        ({"status": 403, "decision": None}, {}),
        ({"status": 403, "decision": "deny"}, {}),  # the library's mark, without the library
        ({"status": 403, "details": "rbac_access_denied_matched_policy[none]"}, {"denied": True}),
        ({"path": "/undeclared"}, {"intent": ""}),
        ({"path": "/reason?x=1"}, {}),
        ({"peer": None}, {"caller": "unknown"}),
        ({"status": 503, "flags": "UO"}, {"error": True, "broken": True}),
    ],
)
def test_how_a_request_ended(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    (usual,) = told(INBOUND)
    assert told(INBOUND | fields) == [replace(usual, **expected)]


DENIED = {"status": 403, "details": "via_upstream", "decision": "deny"}


@pytest.mark.parametrize(
    ("answer", "denied"),
    [
        (DENIED, True),
        (DENIED | {"status": 401}, True),
        (DENIED | {"decision": None}, False),
        ({"status": 403, "details": "via_upstream"}, False),  # a line from before the field
        ({"status": 403, "details": "rbac_access_denied_matched_policy[none]"}, True),
        ({"status": 401, "details": "via_upstream"}, False),
    ],
)
def test_with_the_library_a_denial_is_what_the_library_marked(
    answer: dict[str, Any], *, denied: bool
) -> None:
    (found,) = told(INBOUND | {"service": "orbit", "path": "/items/7", "method": "GET"} | answer)
    assert (found.denied, found.error, found.intent) == (denied, False, "item")


def test_the_gateway_tells_of_what_comes_from_outside() -> None:
    line = {"direction": "gateway", "service": "gateway", "cluster": "callee.orbit.route-1"}
    (found,) = told(line | {"method": "GET", "path": "/items/7"} | DENIED)
    assert (found.caller, found.service, found.intent) == ("public", "gateway", "item")
    assert found.denied
    (own,) = told(line | {"method": "GET", "path": "/items/7"} | DENIED | {"decision": None})
    assert not own.denied, "the handler's own 403"
    unreached = told(line | {"status": 503, "flags": "UF,URX", "attempts": 3})
    assert [(e.caller, e.service, e.counted, e.retried) for e in unreached] == [
        ("public", "gateway", True, False),
        ("gateway", "orbit", True, True),
    ]
    assert len(told(line | {"cluster": "legacy.x", "flags": "UF", "status": 503})) == 1


def test_the_caller_tells_only_what_the_callee_cannot_know() -> None:
    assert told(EGRESS) == []
    (again,) = told(EGRESS | {"attempts": 2})
    assert (again.caller, again.service, again.retried, again.counted) == (
        *("orbit", "axon"),
        *(True, False),
    )
    (refused,) = told(EGRESS | {"status": 503, "flags": "UO"})
    assert (refused.broken, refused.counted, refused.error) == (True, True, True)
    assert told(EGRESS | {"cluster": None, "status": 403}) == []


def test_an_access_line_is_a_record_too() -> None:
    entry = AccessLog(SERVICES).entry(access_line(INBOUND | DENIED))
    assert (entry.service, entry.version, entry.level, entry.source) == (
        *("axon", "r2"),
        *("warning", "access"),
    )
    assert (entry.trace_id, entry.span_id) == (TRACE, "b7ad6b7169203331")
    assert entry.text == "inbound orbit: POST /reason → 403 in 1.5ms"
    assert entry.attributes["status"] == 403
    assert {"flags", "attempts", "details"}.isdisjoint(entry.attributes)
    broken = AccessLog({}).entry(access_line({"traceparent": "nonsense", "status": 500}))
    assert (broken.trace_id, broken.level, broken.service) == ("", "error", "x")


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("orbit.0.log", "plain", ("orbit", "orbit.0", "working-tree", "info", "plain")),
        ("orbit.r8.1.log", "ERROR x", ("orbit", "orbit.r8.1", "r8", "error", "ERROR x")),
        ("orbit.envoy.log", "x", ("orbit", "orbit.envoy", "", "info", "x")),
        ("control.log", '{"at": 5, "event": "ready"}', ("control", "control", "", "info", "ready")),
        (
            "orbit.0.log",
            '{"level": "fatal", "message": "m", "release": "r9"}',
            ("orbit", "orbit.0", "r9", "error", "m"),
        ),
    ],
)
def test_who_wrote_a_line(name: str, raw: str, expected: tuple[str, ...]) -> None:
    entry = entry_of(parse_line(raw, source_of(name), 1.0))
    assert (entry.service, entry.instance, entry.version, entry.level, entry.text) == expected
    assert "event" not in entry.attributes


class World:
    """A program that writes numbered lines, a file that is cut, a reader that dies and returns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "orbit.0.log"
        self.written = 0
        self.read: list[bytes] = []
        self.tail = Tail(self.path)

    def act(self, action: str) -> None:
        match action:
            case "write":
                with self.path.open("ab") as file:
                    file.write(b"line %d\n" % self.written)
                self.written += 1
            case "rotate":
                rotate(self.path, max_bytes=0, kept=50)
            case "read":
                self.look()
            case "restart":
                self.tail = Tail(self.path, self.tail.mark)

    def look(self) -> None:
        for block in self.tail.blocks():
            self.read += block.split(b"\n")[:-1]


ACTIONS = st.lists(st.sampled_from(["write", "write", "rotate", "read", "restart"]), max_size=40)


@given(ACTIONS)
@settings(max_examples=60)
def test_every_line_is_read_once_however_the_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str]
) -> None:
    world = World(tmp_path_factory.mktemp("tail"))
    for action in [*actions, "write", "read"]:
        world.act(action)
    assert world.read == [b"line %d" % number for number in range(world.written)]


def test_half_a_line_goes_on_in_the_next_file(tmp_path: Path) -> None:
    path = tmp_path / "orbit.0.log"
    tail = Tail(path)
    path.write_bytes(b"one\ntw")
    assert list(tail.blocks()) == [b"one\n"]
    rotate(path, max_bytes=0)
    assert list(tail.blocks()) == []
    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    assert list(tail.blocks()) == [b"two\nthree\n"]


def test_a_file_whose_older_part_is_gone_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "orbit.0.log"
    path.write_bytes(b"new\n")
    assert list(Tail(path, Mark(100, 100, "gone")).blocks()) == [b"new\n"]
    assert list(Tail(tmp_path / "none.log").blocks()) == []


def test_a_line_without_end_comes_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "orbit.0.log"
    path.write_bytes(b"x" * 3_000_000 + b"\nend\n")
    blocks = list(Tail(path).blocks())
    assert b"".join(blocks) == path.read_bytes()
    assert max(map(len, blocks)) <= 2**20


def test_lines_of_an_earlier_life_are_left_out(tmp_path: Path) -> None:
    lines = [json.dumps({"time": at, "message": f"at {at}"}) for at in (100, 300)]
    (tmp_path / "orbit.0.log").write_text("\n".join(lines) + "\n")
    folder = LogFolder(tmp_path, tmp_path / "positions.json", {}, since=200.0)
    assert texts(folder) == ["at 300"]
    folder.again()
    assert texts(folder) == ["at 300"]
    folder.keep()
    assert texts(LogFolder(tmp_path, tmp_path / "positions.json", {}, since=200.0)) == []


def test_under_load_all_requests_count_but_only_some_good_ones_are_records(
    tmp_path: Path,
) -> None:
    moments = [f"2026-11-21T08:00:0{second}.000Z" for second in (0, 1) for _ in range(200)]
    lines = [json.dumps(access_line(INBOUND | {"time": at}).fields) for at in moments]
    failed = [json.dumps(access_line(INBOUND | {"status": 503}).fields) for _ in range(100)]
    (tmp_path / "axon.access.log").write_text("\n".join([*lines, *failed]) + "\n")
    (found,) = LogFolder(tmp_path, tmp_path / "positions.json", SERVICES, since=0.0).turn(1000.0)
    assert len(found.requests) == 500
    levels = [entry.level for entry in found.entries]
    assert (levels.count("info"), levels.count("error")) == (2 * UNEVENTFUL_PER_SECOND, 100)


def test_a_changed_intent_counts_from_then_on(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path, tmp_path / "positions.json", {}, since=0.0)
    line = json.dumps(access_line(INBOUND).fields) + "\n"
    found = []
    for services in ({}, SERVICES):
        folder.told(services)
        with (tmp_path / "axon.access.log").open("a") as file:
            file.write(line)
        found += [entry.intent for part in folder.turn(1000.0) for entry in part.requests]
    assert found == ["", "reason"]


@pytest.mark.parametrize(
    "line", ['{"a":' + "[" * 100_000, '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"]
)
def test_a_line_that_is_nested_too_deeply_is_text(line: str) -> None:
    assert parse_line(line, source_of("orbit.0.log"), 7.0).text == line


def test_what_nobody_foresaw_in_a_log_does_not_hold_up_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = LogFolder(tmp_path, tmp_path / "positions.json", SERVICES, since=0.0)
    huge = json.dumps(INBOUND | {"status": 200, "duration_us": 10**400})
    (tmp_path / "axon.access.log").write_text(huge + "\n")
    (tmp_path / "orbit.0.log").write_text("hello\n")
    assert texts(folder) == ["hello"]
    assert texts(folder) == []
    assert "axon.access.log" in capsys.readouterr().err


def texts(folder: LogFolder) -> list[str]:
    return [entry.text for found in folder.turn(1000.0) for entry in found.entries]


def test_a_configuration_survives_its_file_and_one_of_another_release() -> None:
    config = ReceiverConfig(
        *("shop", "local", Address("127.0.0.1", 1), Address("::1", 2)),
        *(Path("/s"), Path("/l"), Path("/ledger"), 3, 4.5),
        retention=Retention(slow=0.5),
        forward="http://collector:4318",
        services=SERVICES,
        slos=(Objective("fast", "orbit", availability=99.9),),
    )
    assert ReceiverConfig.from_json(config.to_json()) == config
    content = json.loads(config.to_json())
    content["from the future"] = content["retention"]["likewise"] = 1
    assert ReceiverConfig.from_json(json.dumps(content)) == config
    assert (str(config.http), str(config.grpc)) == ("127.0.0.1:1", "[::1]:2")
    for damaged in ("{", "[]", "{}", json.dumps(content | {"http": 5})):
        with pytest.raises(InvalidInput):
            ReceiverConfig.from_json(damaged)

"""The audit logs together: search finds, verification detects each way to tamper."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairway.governance.audit import (
    AnchorStore,
    MemoryAnchors,
    Query,
    SqlAnchors,
    anchor,
    search,
    verify,
)
from fairway.governance.database import open_governance
from fairway_runtime.policy.audit import AuditWriter, Entry


@pytest.fixture(params=["memory", "sqlite"])
def anchors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnchorStore]:
    if request.param == "memory":
        yield MemoryAnchors()
        return
    database = open_governance(tmp_path / "db" / "governance.db")
    yield SqlAnchors(database)
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two writers, six entries each at the times 0 to 5 and 0.5 to 5.5, in several segments."""
    folder = tmp_path / "audit"
    for offset, writer in ((0.0, "axon.0"), (0.5, "orbit.0")):
        write(folder, writer, range(6), offset)
    return folder


def write(folder: Path, writer: str, numbers: range, offset: float = 0.0) -> None:
    log = AuditWriter(folder, writer, segment_bytes=1000)
    for number in numbers:
        log.append(
            Entry(
                "decision",
                allowed=number % 2 == 0,
                service=writer.partition(".")[0],
                intent=("reason", "item")[number % 3 == 0],
                decision_id=f"{writer}-{number}",
                at=number + offset,
            )
        )
    log.close()


def ids(folder: Path, query: Query) -> list[str]:
    return [record["decision_id"] for record in search(folder, query)]


def test_search_merges_the_writers_by_time(folder: Path) -> None:
    found = list(search(folder, Query()))
    assert [record["time"] for record in found] == [n / 2 for n in range(12)]
    assert {record["writer"] for record in found} == {"axon.0", "orbit.0"}


def test_search_filters_by_service_intent_verdict_and_time(folder: Path) -> None:
    assert len(ids(folder, Query(service="axon"))) == 6
    assert ids(folder, Query(service="axon", intent="item")) == ["axon.0-0", "axon.0-3"]
    assert ids(folder, Query(service="orbit", allowed=False, since=2.0, until=5.5)) == ["orbit.0-3"]
    assert ids(folder, Query(service="nobody")) == []


def test_a_look_at_a_line_leaves_out_nothing_that_is_wanted(tmp_path: Path) -> None:
    audit = AuditWriter(tmp_path, "axon", clock=iter([5.0, 1e9 + 0.25, 7.5, 8.0]).__next__)
    for allowed in (True, False, None, False):
        audit.append(Entry("decision", allowed=allowed, reason='"allowed":true'))
    audit.close()
    every = list(search(tmp_path, Query()))
    assert len(every) == 4
    for since in (None, 0.0, 7.5, 2e9):
        for allowed in (None, True, False):
            query = Query(allowed=allowed, since=since, until=1e9)
            assert list(search(tmp_path, query)) == [one for one in every if query.wants(one)]


def test_sound_chains_verify_before_and_after_anchoring(folder: Path, anchors: AnchorStore) -> None:
    assert verify(folder, anchors) == ()
    assert anchor(folder, anchors, 10.0) == ()
    assert anchor(folder, anchors, 11.0) == ()
    assert anchors.writers() == ("axon.0", "orbit.0")
    assert list(anchors.heads("axon.0")) == [6]
    write(folder, "axon.0", range(6, 9))
    assert anchor(folder, anchors, 12.0) == ()
    assert sorted(anchors.heads("axon.0")) == [6, 9]
    assert verify(folder, anchors) == ()


def edit(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = sorted(folder.glob("axon.0@*.jsonl"))[0]
        path.write_text("".join(change(path.read_text().splitlines(keepends=True))))

    return apply


def drop_segment(folder: Path) -> None:
    sorted(folder.glob("axon.0@*.jsonl"))[0].unlink()


def cut_the_end(folder: Path) -> None:
    path = folder / "axon.0.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def drop_the_writer(folder: Path) -> None:
    for path in folder.glob("axon.0*"):
        path.unlink()


def write_anew(folder: Path) -> None:
    drop_the_writer(folder)
    write(folder, "axon.0", range(10, 18))


def swap_writers(folder: Path) -> None:
    drop_the_writer(folder)
    for path in sorted(folder.glob("orbit.0*")):
        shutil.copy(path, folder / path.name.replace("orbit", "axon"))


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (edit(lambda lines: [lines[0].replace("true", "false"), *lines[1:]]), "was changed"),
        (edit(lambda lines: lines[1:]), "missing or moved"),
        (edit(lambda lines: [lines[0], "nonsense\n", *lines[1:]]), "not JSON"),
        (edit(lambda lines: lines[::-1]), "missing or moved"),
        (drop_segment, "missing or moved"),
        (cut_the_end, "was cut"),
        (drop_the_writer, "was cut"),
        (write_anew, "rewritten"),
        (swap_writers, "missing or moved"),
    ],
)
def test_every_way_to_tamper_is_detected(
    folder: Path, anchors: AnchorStore, tamper: Callable[[Path], None], words: str
) -> None:
    anchor(folder, anchors, 10.0)
    tamper(folder)
    damages = verify(folder, anchors)
    assert any(words in damage.what for damage in damages), damages
    assert {damage.writer for damage in damages} == {"axon.0"}


@pytest.mark.parametrize(
    "line",
    [
        '{"seq":7,"time":"now"}',
        '{"seq":7,"time":null}',
        '{"seq":7,"time":1e999}',
        '{"seq":1e999,"time":1.0,"hash":"x"}',
        '{"seq":"7","time":1.0}',
        '{"seq":7,"time":1.0,"reason":{"a":1}}',
        '{"seq":7,"time":1.0,"policies":7}',
        '{"seq":7,"time":1.0,"policies":[[]]}',
        '{"seq":7,"time":1.0,"intent":"\\ud800"}',
        '{"seq":7,"time":1.0,"allowed":"yes"}',
        "[" * 100_000,
    ],
)
def test_a_forged_line_is_damage_and_stops_nobody(
    folder: Path, anchors: AnchorStore, line: str
) -> None:
    with (folder / "axon.0.jsonl").open("a") as file:
        file.write(line + "\n")
    anchor(folder, anchors, 11.0)
    assert len(list(search(folder, Query()))) == 12
    assert {damage.writer for damage in verify(folder, anchors)} == {"axon.0"}
    AuditWriter(folder, "axon.0").close()


def test_a_cut_chain_is_reported_when_anchoring_and_its_anchor_kept(
    folder: Path, anchors: AnchorStore
) -> None:
    anchor(folder, anchors, 10.0)
    cut_the_end(folder)
    assert "was cut" in anchor(folder, anchors, 11.0)[0].what
    write(folder, "axon.0", range(6, 9))
    anchor(folder, anchors, 12.0)
    assert any("rewritten" in damage.what for damage in verify(folder, anchors))


def test_a_line_being_written_is_not_damage(folder: Path, anchors: AnchorStore) -> None:
    with (folder / "axon.0.jsonl").open("a") as file:
        file.write('{"seq":7,"ti')
    assert verify(folder, anchors) == ()
    assert len(ids(folder, Query(service="axon"))) == 6


def test_an_empty_folder_is_sound(tmp_path: Path, anchors: AnchorStore) -> None:
    assert verify(tmp_path / "none", anchors) == ()
    assert list(search(tmp_path / "none", Query())) == []

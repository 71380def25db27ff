"""The audit writer: a chain that holds over crashes, rotation, forks and several processes."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from runtime.tests.policy.policy_samples import ORBIT

from fairway_runtime.policy.audit import (
    AuditWriter,
    Entry,
    chain_head,
    decision_entry,
    segments,
)
from fairway_runtime.policy.chain import BrokenChain, Head, follow, genesis, link
from fairway_runtime.policy.engine import Decision
from fairway_runtime.policy.sampling import AllowSample, sampled


def denial(number: int) -> Entry:
    decision = Decision(False, "no policy permits it", (), 3, f"id-{number}")
    return decision_entry(decision, ORBIT, "axon", "reason", "correlation")


def chain(folder: Path, writer: str = "axon.0") -> list[dict[str, Any]]:
    head, records = genesis(writer), []
    for path in segments(folder, writer):
        for line in path.read_text().splitlines():
            record, head = follow(head, line)
            records.append(record)
    return records


def writer(folder: Path, **options: Any) -> AuditWriter:
    return AuditWriter(folder, "axon.0", clock=lambda: 1000.5, **options)


def test_an_entry_says_who_asked_whom_for_what_and_why(tmp_path: Path) -> None:
    log = writer(tmp_path)
    log.append(denial(1))
    record = chain(tmp_path)[0]
    assert record["principal"] == "Service::orbit"
    assert (record["service"], record["intent"], record["allowed"]) == ("axon", "reason", False)
    assert (record["decision_id"], record["correlation_id"]) == ("id-1", "correlation")
    assert (record["seq"], record["time"], record["policy_set"]) == (1, 1000.5, 3)


def test_every_line_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    log = writer(tmp_path)
    for number in range(5):
        log.append(denial(number))
        assert len(chain(tmp_path)) == number + 1
        assert chain_head(tmp_path, "axon.0") == log.head


def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    for number in range(3):
        log = writer(tmp_path)
        log.append(denial(number))
        log.close()
    assert [record["seq"] for record in chain(tmp_path)] == [1, 2, 3]


@pytest.mark.parametrize("kept", [0, 1, 30, 200])
def test_a_line_cut_by_a_crash_is_removed_and_noted(tmp_path: Path, kept: int) -> None:
    log = writer(tmp_path)
    log.append(denial(1))
    log.append(denial(2))
    log.close()
    path = tmp_path / "axon.0.jsonl"
    first, second = path.read_text().splitlines()
    path.write_text(first + "\n" + second[:kept])
    again = writer(tmp_path)
    again.append(denial(3))
    records = chain(tmp_path)
    assert [each["decision_id"] for each in records if each["kind"] == "decision"] == [
        "id-1",
        "id-3",
    ]
    assert [each["kind"] for each in records].count("recovered") == (kept > 0)


def test_segments_rotate_and_the_chain_runs_through_them(tmp_path: Path) -> None:
    log = writer(tmp_path, segment_bytes=900)
    for number in range(12):
        log.append(denial(number))
    log.close()
    assert len(segments(tmp_path, "axon.0")) > 3
    assert [record["decision_id"] for record in chain(tmp_path)] == [f"id-{n}" for n in range(12)]
    again = writer(tmp_path, segment_bytes=900)
    assert again.head.seq == 12


def test_a_restart_right_after_a_rotation_goes_on(tmp_path: Path) -> None:
    log = writer(tmp_path, segment_bytes=1)
    log.append(denial(1))
    log.append(denial(2))
    log.close()
    (tmp_path / "axon.0.jsonl").rename(tmp_path / "axon.0@000000000002.jsonl")
    again = writer(tmp_path)
    again.append(denial(3))
    assert [record["seq"] for record in chain(tmp_path)] == [1, 2, 3]


def test_a_second_writer_of_the_same_name_gets_its_own_chain(tmp_path: Path) -> None:
    first, second = writer(tmp_path), writer(tmp_path)
    first.append(denial(1))
    second.append(denial(2))
    assert (first.name, second.name) == ("axon.0", "axon.0-2")
    assert len(chain(tmp_path, "axon.0-2")) == 1


def test_a_fork_continues_in_a_chain_of_its_own(tmp_path: Path) -> None:
    log = writer(tmp_path)
    log.append(denial(1))
    child = os.fork()
    if child == 0:
        log.append(denial(2))
        os._exit(0)
    os.waitpid(child, 0)
    log.append(denial(3))
    assert [record["decision_id"] for record in chain(tmp_path)] == ["id-1", "id-3"]
    assert [record["decision_id"] for record in chain(tmp_path, "axon.0-2")] == ["id-2"]


def test_threads_do_not_break_the_chain(tmp_path: Path) -> None:
    log = writer(tmp_path)
    threads = [
        threading.Thread(target=lambda: [log.append(denial(n)) for n in range(100)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(chain(tmp_path)) == 400


def test_allows_are_sampled_by_their_id_and_denials_never(tmp_path: Path) -> None:
    log = writer(tmp_path, sample=AllowSample(0.25))
    for number in range(400):
        allow = Decision(True, "policy a permits it", ("a",), 3, f"id-{number}")
        log.append(decision_entry(allow, ORBIT, "axon", "reason"))
        log.append(denial(number))
    records = chain(tmp_path)
    allows = [record["decision_id"] for record in records if record["allowed"]]
    assert len(records) - len(allows) == 400
    assert 60 < len(allows) < 140
    assert allows == [f"id-{n}" for n in range(400) if sampled(f"id-{n}", 0.25)]


def allow(number: int) -> Entry:
    decision = Decision(True, "policy a permits it", ("a",), 3, f"id-{number}")
    return decision_entry(decision, ORBIT, "axon", "reason")


def test_up_to_the_rate_every_allow_is_kept_in_each_second(tmp_path: Path) -> None:
    now = iter([10.1] * 30 + [11.0] * 30)
    log = AuditWriter(tmp_path, "axon.0", clock=lambda: next(now), sample=AllowSample(0, 20))
    for number in range(60):
        log.append(allow(number))
    kept = [record["decision_id"] for record in chain(tmp_path)]
    assert kept == [f"id-{n}" for n in (*range(20), *range(30, 50))]


def test_what_is_left_out_is_counted_by_the_next_entry(tmp_path: Path) -> None:
    log = writer(tmp_path, sample=AllowSample(0, 2))
    for number in range(9):
        log.append(allow(number))
    log.append(denial(9))
    log.append(denial(10))
    counts = [record.get("left_out") for record in chain(tmp_path)]
    assert counts == [None, None, 7, None]


def test_closing_counts_what_no_entry_has_counted(tmp_path: Path) -> None:
    log = writer(tmp_path, sample=AllowSample(0))
    log.append(allow(1))
    log.append(allow(2))
    log.close()
    last = chain(tmp_path)[-1]
    assert (last["kind"], last["allowed"], last["left_out"]) == ("left-out", None, 2)


def test_every_allow_is_kept_or_counted_over_a_fork(tmp_path: Path) -> None:
    log = writer(tmp_path, sample=AllowSample(0.25))
    for number in range(100):
        log.append(allow(number))
    child = os.fork()
    if child == 0:
        log.append(denial(1))
        os._exit(0)
    os.waitpid(child, 0)
    log.close()
    records = chain(tmp_path)
    kept = sum(record["kind"] == "decision" for record in records)
    assert kept + sum(record.get("left_out", 0) for record in records) == 100
    assert "left_out" not in chain(tmp_path, "axon.0-2")[0]


def test_a_changed_removed_or_moved_line_breaks_the_chain(tmp_path: Path) -> None:
    log = writer(tmp_path)
    for number in range(3):
        log.append(denial(number))
    first, second, third = (tmp_path / "axon.0.jsonl").read_text().splitlines()
    _, head = follow(genesis("axon.0"), first)
    with pytest.raises(BrokenChain, match="changed"):
        follow(head, second.replace('"allowed":false', '"allowed":true'))
    with pytest.raises(BrokenChain, match="missing"):
        follow(head, third)
    with pytest.raises(BrokenChain, match="missing"):
        follow(genesis("other"), first)
    with pytest.raises(BrokenChain, match="JSON"):
        follow(head, "")


def test_a_line_with_a_number_that_does_not_follow_breaks_the_chain() -> None:
    start = genesis("axon.0")
    forged, _ = link(Head(5, start.hash), '"kind":"decision"')
    with pytest.raises(BrokenChain, match="after 0 comes 6"):
        follow(start, forged.rstrip("\n"))


def test_damage_at_the_end_does_not_keep_a_service_from_starting(tmp_path: Path) -> None:
    (tmp_path / "axon.0.jsonl").write_text("garbage\n")
    log = writer(tmp_path)
    log.append(denial(1))
    line = (tmp_path / "axon.0.jsonl").read_text().splitlines()[1]
    assert json.loads(line)["prev"] == "unreadable"
    assert chain_head(tmp_path, "nobody") == genesis("nobody") == Head(0, genesis("nobody").hash)


def test_files_are_private(tmp_path: Path) -> None:
    writer(tmp_path / "audit")
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "audit" / "axon.0.jsonl").stat().st_mode & 0o777 == 0o600

"""The ledger: what is written down is there again, and damage is no obstacle."""

import json
from dataclasses import replace

import pytest

from fairway.targets.local.ledger import Ledger, ProcessRecord

RECORD = ProcessRecord(
    kind="service",
    name="orbit",
    replica=0,
    pid=4711,
    mark=12.0,
    boot_id="boot",
    started_at=1.0,
    fingerprint="f",
    version="r1",
    token="t1",
    log="/logs/orbit.0.log",
    port=18000,
)


def test_records_survive(tmp_path):
    ledger = Ledger(tmp_path / "ledger.json")
    other = replace(RECORD, token="t2", replica=1, port=None)
    ledger.add(RECORD)
    ledger.add(other)
    assert Ledger(tmp_path / "ledger.json").records() == (RECORD, other)
    ledger.remove(RECORD)
    ledger.remove(RECORD)
    assert Ledger(tmp_path / "ledger.json").records() == (other,)


def test_two_starts_of_one_replica_are_two_records(tmp_path):
    """During a rolling reload both run, and both must be known."""
    ledger = Ledger(tmp_path / "ledger.json")
    ledger.add(RECORD)
    ledger.add(replace(RECORD, token="t2", pid=4712))
    assert [record.pid for record in ledger.records()] == [4711, 4712]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"records": [{"pid": 1}]}', "null"])
def test_a_damaged_ledger_counts_as_empty(tmp_path, content):
    (tmp_path / "ledger.json").write_text(content)
    assert Ledger(tmp_path / "ledger.json").records() == ()


def test_fields_of_a_later_release_are_ignored(tmp_path):
    path = tmp_path / "ledger.json"
    Ledger(path).add(RECORD)
    content = json.loads(path.read_text())
    content["records"][0]["colour"] = "blue"
    path.write_text(json.dumps(content))
    assert Ledger(path).records() == (RECORD,)

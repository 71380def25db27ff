"""One suite for every place that keeps an audit log: files, SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.postgres import POSTGRES

from fairway.governance.audit import Query, SqlAnchors
from fairway.governance.audit_log import AuditLog, FileAuditLog, SqlAuditLog
from fairway.governance.database import open_governance
from fairway.storage.database import Database
from fairway_runtime.policy.audit import Entry

Lines = list[str]


@dataclass(frozen=True)
class Place:
    """A kept log, and the back door to it."""

    database: Database
    folder: Path | None
    opened: list[AuditLog] = field(default_factory=list)

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()

    def restarted(self) -> AuditLog:
        """The log as the next process opens it."""
        self.close()
        return self.log()

    def log(self, writer: str = "control") -> AuditLog:
        self.opened.append(self._log(writer, SqlAnchors(self.database)))
        return self.opened[-1]

    def _log(self, writer: str, anchors: SqlAnchors) -> AuditLog:
        if self.folder is not None:
            return FileAuditLog(self.folder, writer, anchors, clock=lambda: 50.0)
        return SqlAuditLog(self.database, writer, anchors, clock=lambda: 50.0)

    def tamper(self, change: Callable[[Lines], Lines]) -> None:
        """Put other lines in place of those of the writer `control`."""
        if self.folder is None:
            self._tamper_with_rows(change)
        else:
            path = self.folder / "control.jsonl"
            path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))

    def _tamper_with_rows(self, change: Callable[[Lines], Lines]) -> None:
        where = "WHERE writer = 'control@database'"
        with self.database.writing() as connection:
            query = f"SELECT line FROM audit_entries {where} ORDER BY seq"
            lines = change([line for (line,) in connection.execute(query)])
            connection.execute(f"DELETE FROM audit_entries {where}")
            for number, line in enumerate(lines, 1):
                values = ("control@database", number, _time_of(line), line)
                connection.execute("INSERT INTO audit_entries VALUES (?, ?, ?, ?)", values)


@pytest.fixture(params=["files", "sqlite", pytest.param("postgresql", marks=POSTGRES)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    shared = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if shared else tmp_path / "governance.db"
    with closing(open_governance(url, "fairway_shop_prod")) as database:
        place = Place(database, tmp_path / "audit" if request.param == "files" else None)
        yield place
        place.close()


@pytest.fixture
def log(place: Place) -> AuditLog:
    """Six entries at the times 0 to 5."""
    log = place.log()
    for number in range(6):
        log.append(command(number))
    return log


def command(number: int) -> Entry:
    return Entry(
        "command",
        allowed=number % 2 == 0,
        principal="ada",
        service=("axon", "orbit")[number % 3 == 0],
        reason=f"größer als {number} \0",
        at=float(number),
    )


def reasons(log: AuditLog, query: Query = Query()) -> list[str]:  # noqa: B008 - frozen
    return [record.get("reason") for record in log.search(query)]


def test_an_empty_log_is_sound(place: Place) -> None:
    log = place.log()
    assert (log.verify(), log.anchor(1.0), list(log.search(Query()))) == ((), (), [])


def test_entries_are_found_by_time_service_and_verdict(log: AuditLog) -> None:
    def times(query: Query) -> list[float]:
        return [record["time"] for record in log.search(query)]

    log.append(Entry("command", reason="now"))
    assert times(Query()) == [0, 1, 2, 3, 4, 5, 50]
    assert times(Query(service="orbit")) == [0, 3]
    assert times(Query(allowed=False)) == [1, 3, 5]
    assert times(Query(since=2, until=5)) == [2, 3, 4]
    assert times(Query(service="nobody")) == []


def test_an_entry_says_who_wrote_it_and_what(log: AuditLog) -> None:
    log.append(Entry("policy-change", principal="ada", reason="größer", policy_set=7, at=6.5))
    [found] = log.search(Query(since=6))
    assert found["writer"].startswith("control")
    assert {key: found[key] for key in ("seq", "kind", "reason", "policy_set", "time")} == {
        "seq": 7, "kind": "policy-change", "reason": "größer", "policy_set": 7, "time": 6.5,
    }  # fmt: skip


def test_writers_are_merged_by_time(place: Place, log: AuditLog) -> None:
    other = place.log("server-2")
    other.append(Entry("command", reason="between", at=2.5))
    assert [record["time"] for record in other.search(Query())] == [0, 1, 2, 2.5, 3, 4, 5]
    assert (log.verify(), log.anchor(9.0), log.verify()) == ((), (), ())


def test_a_sound_log_goes_on_after_a_restart(place: Place, log: AuditLog) -> None:
    log.append(Entry("command", reason="half a pair: \ud800", at=5.5))
    again = place.restarted()
    assert again.anchor(9.0) == ()
    again.append(command(6))
    assert (again.verify(), again.anchor(10.0), len(reasons(again))) == ((), (), 7)


def test_many_threads_make_one_chain(log: AuditLog) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: log.append(command(number)), range(40)))
    assert log.verify() == ()
    assert len(reasons(log)) == 46


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [lines[0].replace("true", "false"), *lines[1:]], "was changed"),
        (lambda lines: lines[1:], "missing or moved"),
        (lambda lines: [lines[0], "nonsense", *lines[1:]], "not JSON"),
        (lambda lines: lines[::-1], "missing or moved"),
        (lambda lines: lines[:-1], "was cut"),
        (lambda lines: [], "was cut"),
    ],
    ids=["changed", "removed", "inserted", "turned", "cut", "emptied"],
)
def test_every_way_to_tamper_is_detected(
    place: Place, log: AuditLog, change: Callable[[Lines], Lines], words: str
) -> None:
    log.anchor(9.0)
    place.tamper(change)
    assert any(words in damage.what for damage in log.verify()), log.verify()


def test_a_log_that_was_written_anew_differs_from_its_anchor(place: Place, log: AuditLog) -> None:
    log.anchor(9.0)
    place.tamper(lambda lines: [])
    forged = place.restarted()
    for number in range(10, 18):
        forged.append(command(number))
    assert any("rewritten" in damage.what for damage in forged.verify())


def test_after_a_forged_line_the_log_goes_on_and_shows_it(place: Place, log: AuditLog) -> None:
    place.tamper(lambda lines: [*lines, '{"seq":7,"time":6.0,"hash":"x"}', "nonsense"])
    again = place.restarted()
    again.append(command(8))
    assert reasons(again)[-1] == command(8).reason
    assert len(again.verify()) >= 2


def test_a_row_that_hides_from_the_search_is_detected(tmp_path: Path) -> None:
    with closing(open_governance(tmp_path / "governance.db")) as database:
        log = SqlAuditLog(database, "control", SqlAnchors(database))
        log.append(command(1))
        with database.writing() as connection:
            connection.execute("UPDATE audit_entries SET at = 7e9")
        [damage] = log.verify()
        assert "a search may miss it" in damage.what


def test_an_entry_is_kept_with_its_change_or_not_at_all(tmp_path: Path) -> None:
    with closing(open_governance(tmp_path / "governance.db")) as database:
        log = SqlAuditLog(database, "control", SqlAnchors(database))
        log.append(command(1))
        with pytest.raises(KeyError), database.writing():
            log.append(command(2))
            raise KeyError
        log.append(command(3))
        assert (len(reasons(log)), log.verify()) == (2, ())


def test_a_search_goes_on_over_many_batches(tmp_path: Path) -> None:
    with closing(open_governance(tmp_path / "governance.db")) as database:
        log = SqlAuditLog(database, "control", SqlAnchors(database))
        with database.writing():
            for number in range(2500):
                log.append(command(number // 100))
        found = list(log.search(Query()))
        assert [record["seq"] for record in found] == list(range(1, 2501))


def _time_of(line: str) -> float:
    try:
        return float(json.loads(line)["time"])
    except ValueError:
        return 6.0

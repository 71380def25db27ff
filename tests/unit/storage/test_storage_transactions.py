"""What stores rely on, on both engines: whole transactions, one writer at a time, our errors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairway.errors import Conflict, FairwayError, InvalidInput
from fairway.storage.database import Database
from fairway.storage.migrations import migrate

TABLES = (
    """
    CREATE TABLE numbers (
        number INTEGER PRIMARY KEY,
        what TEXT NOT NULL,
        at REAL NOT NULL
    ) STRICT;
    """,
)
ADD = "INSERT INTO numbers (number, what, at) VALUES (?, ?, ?)"


@pytest.fixture
def numbers(database: Database) -> Database:
    migrate(database, "numbers", TABLES)
    return database


def count(database: Database) -> int:
    with database.reading() as connection:
        [(found,)] = connection.execute("SELECT count(*) FROM numbers")
    return int(found)


def append(database: Database) -> None:
    """The way that numbers without gaps are made."""
    with database.writing() as connection:
        [(newest,)] = connection.execute("SELECT COALESCE(max(number), 0) FROM numbers")
        connection.execute(ADD, (newest + 1, "next", 0.5))


def test_values_come_back_as_they_went_in(numbers: Database) -> None:
    row = (2**63 - 1, "100 % of '?' — größer\n", 1763704800.123457)
    with numbers.writing() as connection:
        assert connection.execute(ADD, row) == []
        assert connection.execute("SELECT number, what, at FROM numbers") == [row]


def test_marks_within_literals_are_text(numbers: Database) -> None:
    with numbers.writing() as connection:
        connection.execute("INSERT INTO numbers VALUES (?, 'it''s ? and 5 %', 0.0)", (1,))
        assert connection.execute("SELECT what FROM numbers WHERE what LIKE 'it%'") == [
            ("it's ? and 5 %",)
        ]


def test_returning_tells_what_a_statement_changed(numbers: Database) -> None:
    append(numbers)
    update = "UPDATE numbers SET what = ? WHERE number = ? RETURNING number"
    with numbers.writing() as connection:
        assert connection.execute(update, ("new", 1)) == [(1,)]
        assert connection.execute(update, ("new", 2)) == []


def test_a_transaction_that_fails_leaves_nothing(numbers: Database) -> None:
    with pytest.raises(KeyError), numbers.writing() as connection:
        connection.execute(ADD, (1, "a", 0.0))
        raise KeyError
    assert count(numbers) == 0
    append(numbers)
    assert count(numbers) == 1


def test_an_inner_transaction_joins_the_outer(numbers: Database) -> None:
    with pytest.raises(KeyError), numbers.writing():
        append(numbers)
        assert count(numbers) == 1
        raise KeyError
    assert count(numbers) == 0


def test_an_inner_transaction_that_fails_takes_back_only_its_own(numbers: Database) -> None:
    with numbers.writing():
        append(numbers)
        with pytest.raises(Conflict), numbers.writing() as inner:
            append(numbers)
            inner.execute(ADD, (1, "again", 0.0))
        append(numbers)
    assert count(numbers) == 2


def test_who_reads_cannot_write(numbers: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"), numbers.reading() as connection:
        connection.execute(ADD, (1, "a", 0.0))
    with pytest.raises(RuntimeError, match="begin with writing"), numbers.reading():
        append(numbers)
    append(numbers)
    assert count(numbers) == 1


def test_a_reader_sees_one_moment(numbers: Database, opening: Callable[[], Database]) -> None:
    elsewhere = opening()
    with numbers.reading():
        assert count(numbers) == 0
        append(elsewhere)
        assert count(numbers) == 0
    assert count(numbers) == 1


@pytest.mark.parametrize("shared", [True, False], ids=["one connection", "own connections"])
def test_many_writers_leave_no_gap(
    numbers: Database, opening: Callable[[], Database], shared: bool
) -> None:
    places = [numbers] * 4 if shared else [opening() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(append, places * 10))
    with numbers.reading() as connection:
        found = connection.execute("SELECT number FROM numbers ORDER BY number")
    assert found == [(number,) for number in range(1, 41)]


def test_a_second_writer_waits_for_the_first(
    numbers: Database, opening: Callable[[], Database]
) -> None:
    elsewhere, wrote = opening(), threading.Event()

    def write() -> None:
        append(elsewhere)
        wrote.set()

    thread = threading.Thread(target=write)
    with numbers.writing():
        thread.start()
        assert not wrote.wait(0.2)
        append(numbers)
    thread.join(10)
    assert wrote.is_set()
    assert count(numbers) == 2


def test_a_constraint_is_a_conflict(numbers: Database) -> None:
    append(numbers)
    with pytest.raises(Conflict, match="contradicts"), numbers.writing() as connection:
        connection.execute(ADD, (1, "again", 0.0))
    assert count(numbers) == 1


@pytest.mark.parametrize("row", [(2**63, "a", 0.0), (1, "\ud800", 0.0)])
def test_what_cannot_be_stored_is_invalid(numbers: Database, row: tuple[object, ...]) -> None:
    with pytest.raises(InvalidInput, match="cannot be stored"), numbers.writing() as connection:
        connection.execute(ADD, row)
    assert count(numbers) == 0


def test_what_was_written_outlives_the_process(
    numbers: Database, opening: Callable[[], Database]
) -> None:
    append(numbers)
    numbers.close()
    assert count(opening()) == 1


def test_a_closed_database_says_so(numbers: Database) -> None:
    numbers.close()
    with pytest.raises(FairwayError, match="cannot be used"):
        count(numbers)

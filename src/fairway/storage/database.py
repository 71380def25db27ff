"""What every store of Fairway asks of a database, whichever it is.

Stores (policy sets, history, tokens, deployments) write their SQL once, in the subset that SQLite
and PostgreSQL share, and get a `Database` from `open_database`. What holds for both:

- `writing()` is one transaction at a time per environment, between threads, processes and machines:
  who writes has looked after everyone before had finished; all of it happens, or nothing
- `reading()` sees one moment, however many statements, and cannot write
- both nest within a thread: the inner one joins the outer; an inner `writing()` that fails takes
  back what it did and no more
- safe between threads; calls block, so nothing is awaited within a transaction
- errors are FairwayErrors: `Unavailable` (worth a retry), `Conflict` (a constraint forbids the
  row), `InvalidInput` (a value that cannot be stored); a statement that is wrong is a bug and stays
  the driver's error where the driver tells the difference

The common subset: `?` stands for a value; `RETURNING` tells what a statement changed; `ON CONFLICT`
is spelled out; booleans are the integers 0 and 1, times are Unix seconds, JSON is text; a literal
holds no semicolon; numbers without gaps are `max(...) + 1` in a writing transaction.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from fairway.errors import Conflict, FairwayError, InvalidInput

Row = tuple[Any, ...]
Dialect = Literal["sqlite", "postgresql"]


class Connection(Protocol):
    """An open transaction."""

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run one statement; the rows that it gives, if any."""
        ...


class Database(Protocol):
    """One environment's database."""

    @property
    def where(self) -> str:
        """The file, or the URL without its password: for people."""
        ...

    @property
    def dialect(self) -> Dialect:
        """For migrations, which differ in the names of types; stores never look at it."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """One moment, for reading only."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """The one write transaction of this environment: all of it happens, or nothing."""
        ...

    def close(self) -> None:
        """Give the file or the connections up."""
        ...


@dataclass(frozen=True, slots=True)
class _Open:
    connection: Connection
    writes: bool


class Transactions(ABC):
    """The part of a `Database` that is the same for every engine: beginning, nesting, ending."""

    def __init__(self) -> None:
        self._local = threading.local()

    def reading(self) -> AbstractContextManager[Connection]:
        """One moment, for reading only."""
        outer = self._outer()
        return self._transaction(writes=False) if outer is None else _joined(outer.connection)

    def writing(self) -> AbstractContextManager[Connection]:
        """The one write transaction of this environment: all of it happens, or nothing."""
        outer = self._outer()
        if outer is None:
            return self._transaction(writes=True)
        if not outer.writes:
            raise RuntimeError("writing() within reading(): begin with writing()")
        return _savepoint(outer.connection)

    @abstractmethod
    def _begun(self, *, writes: bool) -> AbstractContextManager[Connection]:
        """A connection, this thread's alone, on which a transaction has begun."""

    def _outer(self) -> _Open | None:
        return getattr(self._local, "open", None)

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        with self._begun(writes=writes) as connection:
            self._local.open = _Open(connection, writes)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(FairwayError):  # it is over anyway when the connection is gone
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._local.open = None


@contextmanager
def _joined(connection: Connection) -> Iterator[Connection]:
    yield connection


@contextmanager
def _savepoint(connection: Connection) -> Iterator[Connection]:
    """Savepoints of one name stack in both engines: the innermost is meant."""
    connection.execute("SAVEPOINT joined")
    try:
        yield connection
    except BaseException:
        with suppress(FairwayError):
            connection.execute("ROLLBACK TO SAVEPOINT joined")
            connection.execute("RELEASE SAVEPOINT joined")
        raise
    connection.execute("RELEASE SAVEPOINT joined")


def constraint_violated(where: str, error: Exception) -> Conflict:
    """A row that a constraint forbids: someone else was faster, or refers to what is gone."""
    return Conflict(
        "storage-constraint",
        f"the change contradicts what is stored: {error}",
        where=where,
        remedy="look at what is there now, then try again",
    )


def cannot_be_stored(where: str, error: Exception) -> InvalidInput:
    """A value outside what a database holds: too large a number, half a surrogate pair, a NUL."""
    return InvalidInput(
        "storage-value",
        f"a value cannot be stored: {error}",
        where=where,
        remedy="use numbers below 2^63, and text without NUL and unpaired surrogates",
    )

"""The engines that share an environment's work: who is alive, by their heartbeats."""

from __future__ import annotations

from fairway.storage.database import Database


class Engines:
    """The repository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, engine: str, now: float) -> None:
        """An engine is alive."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO engines (id, at) VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET at = excluded.at",
                (engine, now),
            )

    def alive(self, since: float) -> frozenset[str]:
        """The engines that have been alive since then."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT id FROM engines WHERE at >= ?", (since,))
        return frozenset(str(row[0]) for row in rows)

    def leave(self, engine: str) -> None:
        """An engine stops; the others need not wait to see that."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM engines WHERE id = ?", (engine,))

    def forget(self, before: float) -> None:
        """Engines that have been dead for so long that nobody asks for them any more."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM engines WHERE at < ?", (before,))

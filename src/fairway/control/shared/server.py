"""A shared control plane as a whole: environments, tokens, audit and answers on one database.

`wiring.shared_server` makes it; `fairway server` starts it, offers it over HTTP, and stops it.
"""

from __future__ import annotations

from collections.abc import Callable

from fairway.control.shared.doors import SharedAnswers, SharedTokens, SharedTrail, valid
from fairway.control.shared.environments import Ground, SharedEnvironments
from fairway.governance.audit import SqlAnchors
from fairway.governance.audit_log import SqlAuditLog
from fairway.governance.tokens import Tokens
from fairway.storage.database import Database

_FIRST = "admin"


class SharedServer:
    """The parts behind the API of `fairway server`."""

    def __init__(self, database: Database, ground: Ground) -> None:
        self._database = database
        self._tokens = Tokens(database, clock=ground.clock)
        self._log = SqlAuditLog(database, "server", SqlAnchors(database), ground.clock)
        self._clock: Callable[[], float] = ground.clock
        self.directory = SharedEnvironments(ground)
        self.tokens = SharedTokens(self._tokens, ground.clock)
        self.trail = SharedTrail(self._log, self.directory.log_of)
        self.answers = SharedAnswers(ground.store)

    def first_token(self, hand_over: Callable[[str], None]) -> None:
        """Hand over a token for the first admin, when nobody could come in otherwise.

        When `hand_over` fails there is no such token: the next start issues another one.
        """
        with self._database.writing():  # of two servers that start at once, one issues it
            if not any(valid(token, self._clock()) for token in self._tokens.all()):
                hand_over(self._tokens.issue(_FIRST, "admin", by="fairway server").secret)

    async def start(self) -> None:
        """Go on with what was left unfinished, and be ready for more."""
        await self.directory.start()

    async def stop(self) -> None:
        """Leave what is under way to the next start or another server."""
        await self.directory.stop()
        self._log.anchor(self._clock())
        self._database.close()

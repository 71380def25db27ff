"""Everything that one environment's delivery keeps, on one database.

`wiring` opens it; the service, the engine and the notifiers share it. All methods of its parts
block: code on an event loop calls them in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairway.delivery.store.deployments import Deployments
from fairway.delivery.store.drifts import Drifts
from fairway.delivery.store.engines import Engines
from fairway.delivery.store.events import Events
from fairway.delivery.store.leases import Leases
from fairway.delivery.store.looks import Looks
from fairway.delivery.store.releases import Releases
from fairway.delivery.store.schema import MIGRATIONS, PART
from fairway.governance.database import MIGRATIONS as GOVERNANCE
from fairway.plan.release import Release
from fairway.plan.schemas import schema_of
from fairway.storage.database import Database
from fairway.storage.migrations import migrate

_DEEP = 1000
"""How many releases and deployments are looked through for what has migrated a database."""


class DeliveryStore:
    """The repositories of one environment; brings their tables up to date."""

    def __init__(self, database: Database) -> None:
        migrate(database, "governance", GOVERNANCE)  # the history, whose numbers releases share
        migrate(database, PART, MIGRATIONS)
        self.database = database
        self.releases = Releases(database)
        self.deployments = Deployments(database)
        self.events = Events(database)
        self.leases = Leases(database)
        self.engines = Engines(database)
        self.looks = Looks(database)
        self.drifts = Drifts(database)

    def schemas(self) -> dict[str, tuple[int, int]]:
        """How far databases may have been migrated: by store, oldest that works and version."""
        return schema_of(self._migrating())

    def _migrating(self) -> Iterator[Release]:
        """Releases with schemas whose hooks may have run.

        Of what retention has forgotten, newer ones have at least its schema.
        """
        kept = self.releases.list(limit=_DEEP)
        declaring = {release.number: release for release in kept if release.content.schema}
        if declaring:
            page = self.deployments.list(limit=_DEEP)
            begun = {each.release for each in page.deployments if each.started}
            yield from (declaring[number] for number in begun & declaring.keys())

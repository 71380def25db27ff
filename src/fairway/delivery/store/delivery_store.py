"""Everything that one environment's delivery keeps, on one database.

`wiring` opens it; the service, the engine and the notifiers share it. All methods of its parts
block: code on an event loop calls them in a thread.
"""

from __future__ import annotations

from fairway.delivery.store.deployments import Deployments
from fairway.delivery.store.engines import Engines
from fairway.delivery.store.events import Events
from fairway.delivery.store.leases import Leases
from fairway.delivery.store.looks import Looks
from fairway.delivery.store.releases import Releases
from fairway.delivery.store.schema import MIGRATIONS, PART
from fairway.governance.database import MIGRATIONS as GOVERNANCE
from fairway.storage.database import Database
from fairway.storage.migrations import migrate


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

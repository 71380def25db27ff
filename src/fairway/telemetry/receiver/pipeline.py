"""The one thread that owns the store: writes what arrives, reads the logs, commits, tidies up.

`main.py` starts and ends it. Requests wait in `reception.py`; log files wait on disk, so a busy
store only makes them come later. What the store does not take is counted as lost and named in
`problem`; the thread itself never ends before it is told to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from fairway.errors import FairwayError
from fairway.telemetry.config import ReceiverConfig
from fairway.telemetry.receiver.files import complain
from fairway.telemetry.receiver.log_folder import Found, LogFolder
from fairway.telemetry.receiver.parcels import Parcel
from fairway.telemetry.receiver.process_metrics import ProcessMetrics
from fairway.telemetry.receiver.reception import Reception
from fairway.telemetry.store.writing import Writer

COMMIT_SECONDS: Final = 0.5
"""So old at most is what a reader sees."""
_METRICS_SECONDS: Final = 5.0
_TIDY_SECONDS: Final = 60.0


class _Every:
    """A chore that is due now and then."""

    def __init__(self, seconds: float, chore: Callable[[], None]) -> None:
        self._seconds = seconds
        self._chore = chore
        self._due = 0.0

    def __call__(self, now: float) -> None:
        if now >= self._due:
            self._chore()
            self._due = time.monotonic() + self._seconds


class Pipeline:
    """The thread. `problem` says what keeps it from storing, in words; empty when nothing does."""

    def __init__(
        self, config: ReceiverConfig, reception: Reception, clock: Callable[[], float]
    ) -> None:
        self.problem = ""
        self._clock = clock
        self._config = config
        self._reception = reception
        self._writer = Writer(config.store, config.run, clock, retention=config.retention)
        positions = config.store / "positions.json"
        self._logs = LogFolder(config.logs, positions, config.services, config.started_at)
        self._processes = ProcessMetrics(config.ledger)
        self._fresh: ReceiverConfig | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def told(self, config: ReceiverConfig) -> None:
        """Take over a changed configuration, at the next turn."""
        self._fresh = config

    def end(self) -> None:
        """Store everything that was accepted or is in the log files, and end. Waits for it."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        chores = [
            _Every(COMMIT_SECONDS, self._commit),
            _Every(_METRICS_SECONDS, self._measure),
            _Every(_TIDY_SECONDS, self._tidy),
        ]
        while not self._ending.is_set():
            now = time.monotonic()
            for chore in chores:
                chore(now)
            self._store_next(COMMIT_SECONDS / 4)
        while self._store_next(0):
            pass
        self._commit()
        with self._storing():
            self._writer.close()

    def _store_next(self, patience: float) -> bool:
        """Store one request; False when there was none."""
        found = self._reception.next(patience)
        if found is None:
            return False
        with self._storing(found.items):
            self._take(found)
        self._reception.stored(found)
        return True

    def _take(self, found: Parcel) -> None:
        match found.signal:
            case "traces":
                self._writer.traces(found.body)
            case "metrics":
                self._writer.metrics(found.body)
            case "logs":
                self._writer.logs(found.body)

    def _commit(self) -> None:
        """What the log files have got, and then everything so far for readers to see."""
        if self._fresh is not None:
            self._config, self._fresh = self._fresh, None
            self._logs.told(self._config.services)
        stored = False
        with self._storing():
            lines, requests = self._read_logs()
            self._writer.flush()
            self._logs.keep()
            self._reception.counts.add("received", lines, "lines")
            self._reception.counts.add("received", requests, "requests")
            self.problem = ""
            stored = True
        if not stored:
            self._logs.again()

    def _read_logs(self) -> tuple[int, int]:
        """How many lines and requests there were."""
        lines = requests = 0
        for found in self._logs.turn(self._clock()):
            if not self._takes(found):
                continue
            lines += len(found.entries)
            requests += sum(entry.counted for entry in found.requests)
        return lines, requests

    def _takes(self, found: Found) -> bool:
        """Store what some lines hold. What the store fails at will be read again; what it cannot
        take at all is lost, else nothing behind it would ever be stored.
        """
        try:
            self._writer.lines(found.entries)
            self._writer.requests(found.requests)
        except FairwayError:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            self._reception.counts.add("lost", len(found.entries))
            complain(f"some log lines cannot be stored: {error!r}")
            return False
        return True

    def _measure(self) -> None:
        with self._storing():
            request = self._processes.request(self._clock())
            if request:
                self._writer.metrics(request)

    def _tidy(self) -> None:
        with self._storing():
            self._writer.tidy(self._config.retention)

    @contextmanager
    def _storing(self, items: int = 0) -> Iterator[None]:
        """Go on when the store fails (a full disk, a removed folder): with the next, later."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - without this thread nothing is stored any more
            self._reception.counts.add("lost", items)
            problem = f"telemetry cannot be stored: {error}"
            if problem != self.problem:
                complain(problem)
            self.problem = problem

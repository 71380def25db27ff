"""The process that receives telemetry: started, watched, told of changes and ended like an Envoy.

`LocalSystem` owns one. What the program is and what its configuration says comes from the control
plane as a `ReceiverProgram`: this target knows neither OTLP nor the store.

Guarantees: its HTTP port is bound before any service starts, so that nobody is refused while the
program loads, or while it is started again after it died; it outlives Fairway and is adopted by the
next one, unless it is another program by then; it is never waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from fairway.targets.local.blueprint import Blueprint
from fairway.targets.local.layout import private_dir, write_private
from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.local.ports import LOOPBACK
from fairway.targets.local.processes import Launch, Processes
from fairway.targets.mesh.view import TelemetryPorts

NAME = "telemetry"
"""How people and log files call it."""
CONFIG = "receiver.json"
_RUN = "run.json"
_BACKLOG = 512
"""Connections that may wait until the program is up."""
_PATIENCE = 3.0
"""Seconds that services which start may keep it waiting: connections to it can wait longer."""
_GRACE = 5.0
_QUICK = 10.0
"""Who dies within so many seconds is started again later and later."""
_LONGEST_PAUSE = 30.0
_LOW_PRIORITY = ("nice", "-n", "5")
"""Services come first: under load telemetry is late, or is shed, and they are not."""

Report = Callable[[str, str, str], None]
"""Tells people what happened: a dotted kind, whom it is about, and words."""


@dataclass(frozen=True, slots=True)
class Run:
    """One life of the system. It goes on as long as some process of it does."""

    number: int
    started_at: float


@dataclass(frozen=True, slots=True)
class ReceiverProgram:
    """What to start: its arguments get the path of the configuration as the last one.

    `socket_variable` names the variable that holds the number of the inherited socket. `configure`
    gives the text of the configuration; `edition` differs where a running program may not go on.
    """

    argv: tuple[str, ...]
    socket_variable: str
    edition: str
    configure: Callable[[TelemetryPorts, Run], str]


class Receiver:
    """The receiver of one state folder; without a program, or ports, everything here does nothing.

    Used from one event loop, by the holder of the folder's lock.
    """

    def __init__(
        self,
        program: ReceiverProgram | None,
        workspace: Blueprint,
        processes: Processes,
        report: Report,
    ) -> None:
        self._program = program
        self._state = workspace.state
        self._processes = processes
        self._variables = _without(workspace.variables, workspace.secret_names)
        self._report = report
        self._ports: TelemetryPorts | None = None
        self._run: Run | None = None
        self._socket: socket.socket | None = None
        self._record: ProcessRecord | None = None
        self._told = ""
        self._deaths = 0
        self._not_before = 0.0

    @property
    def wanted(self) -> bool:
        """Whether there is a program to start."""
        return self._program is not None

    def is_among(self, survivors: Iterable[ProcessRecord]) -> bool:
        """Whether an earlier receiver still holds its ports."""
        return any(record.kind == "telemetry" for record in survivors)

    async def open(self, ports: TelemetryPorts | None, survivors: Iterable[ProcessRecord]) -> None:
        """Adopt the receiver that runs, else bind its port."""
        survivors = tuple(survivors)
        self._ports = ports
        if self._program is not None and ports is not None:
            private_dir(self._state.telemetry)
            self._run = self._this_run(goes_on=bool(survivors))
        for record in (record for record in survivors if record.kind == "telemetry"):
            if self._record is None and self._fits(record):
                self._record = record
            else:
                await self._processes.stop(record, _GRACE)
        if self._record is None:
            self._bind()
        else:
            self.tell()

    def tell(self) -> None:
        """Write the configuration anew where it says something else; the program looks at it."""
        if self._program is None or self._ports is None or self._run is None:
            return
        text = self._program.configure(self._ports, self._run)
        if text != self._told:
            write_private(self._state.telemetry / CONFIG, text.encode())
            self._told = text

    @contextlib.contextmanager
    def soon(self) -> Iterator[None]:
        """Have it run once what is done inside is done, or takes long: services start first."""
        late = asyncio.get_running_loop().call_later(_PATIENCE, self.start)
        try:
            yield
            self.start()
        finally:
            late.cancel()

    def start(self) -> None:
        """Have it run; returns at once."""
        launch = self._launch()
        if launch is not None and self._record is None:
            self.tell()
            self._record = self._processes.start(launch)

    async def heal(self) -> None:
        """Start it again when it has died; when it dies at once, after longer and longer pauses."""
        if self._record is None or self._processes.poll(self._record) is None:
            return
        dead, now = self._record, time.time()
        if not self._not_before:
            self._deaths = self._deaths + 1 if now - dead.started_at < _QUICK else 1
            pause = 0.0 if self._deaths == 1 else min(2.0**self._deaths, _LONGEST_PAUSE)
            self._not_before = now + pause
        if now < self._not_before:
            return
        ended = await self._processes.stop(dead, 0.0)
        self._record, self._not_before = None, 0.0
        self._bind()
        self.start()
        self._report("telemetry.restarted", NAME, f"{ended}; started again, see {dead.log}")

    async def stop(self) -> None:
        """End it, after everybody has told it everything."""
        if self._record is not None:
            await self._processes.stop(self._record, _GRACE)
            self._record = None
        self.leave()

    def leave(self) -> None:
        """Give up the socket; a program that runs keeps its own."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _this_run(self, *, goes_on: bool) -> Run:
        path = self._state.telemetry / _RUN
        before = Run(0, 0.0)
        # A lost or damaged file starts another count; nothing that is stored depends on it.
        with contextlib.suppress(OSError, ValueError, TypeError):
            before = Run(**json.loads(path.read_bytes()))
        if goes_on and before.number:
            return before
        run = Run(before.number + 1, time.time())
        write_private(path, json.dumps(asdict(run)).encode())
        return run

    def _bind(self) -> None:
        """Listen for the program. Who cannot bind leaves it to the program, which says why."""
        if self._program is None or self._ports is None or self._socket is not None:
            return
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((LOOPBACK, self._ports.http))
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
        else:
            self._socket = listening

    def _fits(self, record: ProcessRecord) -> bool:
        launch = self._launch()
        return launch is not None and record.fingerprint == launch.fingerprint

    def _launch(self) -> Launch | None:
        if self._program is None or self._ports is None:
            return None
        sockets = () if self._socket is None else (self._socket.fileno(),)
        inherited = dict(self._variables)
        if sockets:
            inherited[self._program.socket_variable] = str(sockets[0])
        config = str(self._state.telemetry / CONFIG)
        low_priority = _LOW_PRIORITY if shutil.which(_LOW_PRIORITY[0]) else ()
        return Launch(
            kind="telemetry",
            name=NAME,
            argv=(*low_priority, *self._program.argv, config),
            cwd=self._state.home,
            log=self._state.log(NAME),
            inherited=inherited,
            declaration=f"{self._program.edition} {self._ports.http} {self._ports.grpc}",
            sockets=sockets,
        )


def _without(variables: Mapping[str, str], hidden: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in hidden}

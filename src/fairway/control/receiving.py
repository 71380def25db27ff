"""Which receiver of telemetry this machine runs, and where what it kept is read.

`plane.py` gives the local target the program; `wiring.open_telemetry` reads also while nothing
runs. What belongs to telemetry is loaded only once services are up, or when somebody asks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fairway import __version__
from fairway.errors import Unavailable
from fairway.model.app import App
from fairway.targets.local.layout import StateDir
from fairway.targets.local.receiver import ReceiverProgram, Run
from fairway.targets.mesh.view import TelemetryPorts

if TYPE_CHECKING:
    from fairway.telemetry.port import Telemetry

SOCKET_VARIABLE = "FAIRWAY_RECEIVER_HTTP_FD"
"""The same as `HTTP_SOCKET` of `telemetry/config.py`."""
_MODULE = "fairway.telemetry.receiver"


def receiver_program(app: Callable[[], App], state: StateDir) -> ReceiverProgram | None:
    """The receiver of an environment; None where the app file switches it off.

    `app` gives the app that is in force, asked whenever the configuration is written.
    """
    if not app().environments[state.environment].keeps_telemetry:
        return None

    def configure(ports: TelemetryPorts, run: Run) -> str:
        from fairway.control.receiver_config import receiver_config  # noqa: PLC0415 - see above

        return receiver_config(app(), state, ports, run).to_json()

    # -P: the state folder, where it runs, has a folder `secrets` that is no module.
    argv = (sys.executable, "-P", "-m", _MODULE)
    return ReceiverProgram(argv, SOCKET_VARIABLE, __version__, configure)


def open_telemetry(state: StateDir) -> Telemetry:
    """What was kept, also while nothing runs; Unavailable where nothing ever was."""
    from fairway.telemetry.store.reading import StoredTelemetry  # noqa: PLC0415 - loads protobuf

    if not state.telemetry.is_dir():
        raise nothing_kept(state)
    return StoredTelemetry(state.telemetry, time.time)


def nothing_kept(state: StateDir) -> Unavailable:
    """Nobody has ever received telemetry here."""
    return Unavailable(
        "no-telemetry",
        "no telemetry is kept here",
        where=str(state.telemetry),
        remedy="start the app with `fairway up`; see telemetry.enabled in the app file",
    )

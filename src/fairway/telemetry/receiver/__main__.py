"""`python -m fairway.telemetry.receiver CONFIG.json`."""

from __future__ import annotations

import sys
from pathlib import Path

from fairway.errors import FairwayError
from fairway.telemetry.receiver.main import run

_USAGE = "usage: python -m fairway.telemetry.receiver CONFIG.json"


def _main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    try:
        run(Path(arguments[0]))
    except FairwayError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))

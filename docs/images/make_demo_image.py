"""Renders what `make demo` really prints as `demo.svg`, for the README.

Run it from anywhere: `python docs/images/make_demo_image.py`. It starts the demo with `CI=true`, so
that it ends by itself, and takes its lines and colours as they come; nothing is typed by hand.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
DEMO = HERE.parents[1] / "examples/axon-orbit/demo.py"
PROMPT = "$ make demo"
WIDTH = 92
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Rich's own, without fonts from elsewhere: the reader's monospace font does."""


def main() -> None:
    """Run the demo and write the picture beside this file."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(PROMPT, style="bold"))
    for line in main_part(demo_output()):
        console.print(Text.from_ansi(line), soft_wrap=True)
    console.save_svg(str(HERE / "demo.svg"), title="fairway", code_format=FORMAT, unique_id="demo")


def demo_output() -> str:
    """What the demo prints, in colour; raises CalledProcessError if not all was as promised."""
    environment = os.environ | {"CI": "true", "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    done = subprocess.run(
        [sys.executable, DEMO], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def main_part(output: str) -> list[str]:
    """Up to the last call: where to look next holds paths of this machine."""
    lines = output.rstrip().splitlines()
    last_call = max(number for number, line in enumerate(lines) if "→" in line)
    return lines[: last_call + 2]  # with the reason below it


if __name__ == "__main__":
    main()

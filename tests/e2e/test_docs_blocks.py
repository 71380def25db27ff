"""The code blocks of the README, the how-to pages and the examples do what they say.

* `yaml` that starts with `app:` is a valid app file;
* `python` runs, block after block, as one program per page;
* `bash` after the line `<!-- run -->` succeeds, in a copy of the repository's examples;
* any other `bash`, and what is typed after `$` in `console`, is well-formed, and names only
  `fairway` commands with options that they have, and `make` goals that exist; so does what stands
  within a sentence of the pages about telemetry.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.driver import EXAMPLES, ROOT, Driver, clean_environment, copy_of

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs/how-to").glob("*.md")),
    *sorted(EXAMPLES.glob("*/README.md")),
    *sorted(EXAMPLES.glob("*/services/*/README.md")),
]
_BLOCK = re.compile(
    r"^(?P<run><!-- run -->\n)?(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)

_WITH_SUBCOMMANDS = ("deployment", "policy", "secrets", "token", "webhooks")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: where it starts, in which language, and whether it asks to be run."""

    page: Path
    line: int
    language: str
    code: str
    runs: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(page, text.count("\n", 0, m.start()) + 1, m["language"], m["code"], bool(m["run"]))
        for m in _BLOCK.finditer(text)
    ]


BLOCKS = [block for page in PAGES if page.exists() for block in blocks_of(page)]
APP_FILES = [b for b in BLOCKS if b.language == "yaml" and b.code.startswith("app:")]
RUN = [b for b in BLOCKS if b.language == "bash" and b.runs]
SHOWN = [b for b in BLOCKS if b.language in ("bash", "console") and not b.runs]
PYTHON_PAGES = sorted({b.page for b in BLOCKS if b.language == "python"})


def test_there_is_something_to_test() -> None:
    assert APP_FILES
    assert RUN
    assert PYTHON_PAGES


@pytest.mark.parametrize("block", APP_FILES, ids=str)
def test_app_files_are_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "fairway.yaml").write_text(block.code)
    for folder in re.findall(r"(?:build|policies|root): ([\w/]+)", block.code):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "any.cedar").write_text("permit (principal, action, resource);\n")
    Driver(tmp_path).fairway("validate")


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=lambda page: page.name)
def test_python_runs(page: Path, tmp_path: Path) -> None:
    program = "\n\n".join(b.code for b in blocks_of(page) if b.language == "python")
    shell([sys.executable, "-c", program], tmp_path)


@pytest.mark.parametrize("block", RUN, ids=str)
def test_marked_commands_succeed(block: Block, tmp_path: Path) -> None:
    copy_of(EXAMPLES, tmp_path / "examples")
    shell(["bash", "-euo", "pipefail", "-c", block.code], tmp_path)


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_shown_commands_exist(block: Block, tmp_path: Path) -> None:
    typed = commands_of(block)
    shell(["bash", "-n", "-c", typed], tmp_path)
    goals = set(re.findall(r"^(?:\w+=\S+ )*make ([a-z-]+)", typed, re.MULTILINE))
    assert goals <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in re.findall(r"\bfairway ([a-z][^#|&;\n]*)", typed):
        assert_exists(shlex.split(command))


@pytest.mark.parametrize("page", ["slos", "telemetry", "console"])
def test_commands_within_sentences_exist(page: str) -> None:
    text = (ROOT / f"docs/how-to/{page}.md").read_text("utf-8")
    named = set(re.findall(r"`fairway ([a-z][^`]*)`", text))
    assert named
    for command in sorted(named):
        assert_exists(shlex.split(command))


def commands_of(block: Block) -> str:
    """What someone would type: all of a `bash` block, the lines after `$` of a `console` one."""
    if block.language == "bash":
        return block.code
    return "\n".join(re.findall(r"^\$ (.*)$", block.code, re.MULTILINE))


def assert_exists(words: list[str]) -> None:
    """The command, its subcommand and every option are in the help of the command."""
    own = words[: words.index("--")] if "--" in words else words
    subcommand = own[1:2] if own[0] in _WITH_SUBCOMMANDS else []
    said = Driver(ROOT).fairway(own[0], *subcommand, "--help").stdout
    for option in (word.split("=")[0] for word in own if word.startswith("-")):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", said), f"{own[0]} {option}"


def shell(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

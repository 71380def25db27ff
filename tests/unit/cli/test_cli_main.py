"""The command line as a whole: help, speed, laziness, common options, exit codes."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.cli_driver import CommandLine
from typer.core import TyperGroup

from fairway.cli import main
from fairway.cli.catalogue import CATALOGUE, Entry
from fairway.cli.failures import EXIT_CODES
from fairway.cli.lazy import load
from fairway.cli.reference import reference

ROOT = Path(__file__).parents[3]
EMPTY_TYPER = """\
import typer
app = typer.Typer()
@app.command()
def hello(name: str = "") -> None:
    '''Say hello.'''
app()
"""
HEAVY = ("pydantic", "fastapi", "cryptography", "yaml", "httpx2", "cedarpy", "asyncio", "psutil")
REPORTS_NOTHING = {"schema", "run", "control-plane", "logs"}
"""`logs` has `--json` for lines; `schema` is JSON already; the other two only run something."""


def leaves(entry: Entry) -> dict[str, Any]:
    command = load(entry)
    if isinstance(command, TyperGroup):
        return {f"{entry.name} {name}": child for name, child in command.commands.items()}
    return {entry.name: command}


LEAVES = {name: leaf for entry in CATALOGUE for name, leaf in leaves(entry).items()}


def options_of(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_the_catalogue_says_what_the_command_itself_says(entry: Entry) -> None:
    assert load(entry).help.splitlines()[0] == entry.summary


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_shows_an_example_of_itself(name: str) -> None:
    example = str(LEAVES[name].epilog)
    assert example.startswith("Example: fairway ")
    if name != "control-plane":
        assert example.removeprefix("Example: ").startswith(f"fairway {name}")


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_takes_the_common_options(name: str) -> None:
    assert {"--verbose", "-v", "--debug"} <= options_of(LEAVES[name])
    if name not in REPORTS_NOTHING:
        assert "--json" in options_of(LEAVES[name])


@pytest.mark.parametrize("name", LEAVES)
def test_no_option_means_two_things(name: str) -> None:
    given = [option for parameter in LEAVES[name].params for option in parameter.opts]
    assert len(given) == len(set(given))


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_explains_every_parameter(name: str, fairway: CommandLine) -> None:
    assert all(parameter.help for parameter in LEAVES[name].params), name
    done = fairway(*name.split(), "--help")
    assert done.code == 0
    assert "Example: fairway" in done.out


def test_help_lists_every_visible_command(fairway: CommandLine) -> None:
    out = fairway("--help").out
    assert all((entry.summary[:40] in out) != entry.hidden for entry in CATALOGUE)


def test_a_mistyped_command_is_answered_with_a_suggestion(fairway: CommandLine) -> None:
    done = fairway("statsu")
    assert done.code == 2
    assert "status" in done.err


def test_version_by_option_and_by_command(fairway: CommandLine) -> None:
    assert fairway("--version").out.startswith("fairway ")
    assert set(fairway("version", "--json").json) == {"fairway", "python", "platform"}


def test_help_imports_nothing_that_it_does_not_need() -> None:
    script = (
        "import sys; from fairway.cli.main import run\n"
        "try: run(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "[]"


def test_status_needs_neither_the_model_nor_an_http_library(folder: Path) -> None:
    unwanted = {*HEAVY, "fairway.model.app"} - {"pydantic"}  # Typer itself converts with it
    script = (
        "import sys; from fairway.cli.main import run\n"
        "try: run(['status'])\nexcept SystemExit as end: print(end.code)\n"
        f"print([name for name in {unwanted} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["5", "[]"]


def test_help_is_about_as_fast_as_an_empty_typer_program(tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text(EMPTY_TYPER)
    ours, theirs = [], []
    for _ in range(7):  # interleaved, so that a busy moment of the machine slows both
        theirs.append(seconds([str(empty), "--help"]))
        ours.append(seconds(["-m", "fairway.cli.main", "--help"]))
    ratio = statistics.median(ours) / statistics.median(theirs)
    assert ratio <= 1.6, f"{ratio:.2f} times an empty Typer program"


def seconds(arguments: list[str]) -> float:
    """Of the processor, not of the clock: what else runs on the machine does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("words", [(), ("deploy",), ("policy", "test"), ("webhooks", "list")])
def test_h_is_short_for_help(fairway: CommandLine, words: tuple[str, ...]) -> None:
    short, long = fairway(*words, "-h"), fairway(*words, "--help")
    assert short.code == 0
    assert "Usage:" in short.out
    assert short.out == long.out


def test_debug_shows_the_traceback_of_an_error(fairway: CommandLine, folder: Path) -> None:
    (folder / "fairway.yaml").unlink()
    assert "Traceback" not in fairway("status").err
    assert "Traceback" in fairway("status", "--debug").err
    assert "Traceback" in fairway("--debug", "status").err


def test_a_defect_is_words_and_exit_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr(main, "get_command", lambda _: broken)
    with pytest.raises(SystemExit) as end:
        main.run(["status"])
    err = capsys.readouterr().err
    assert end.value.code == 70
    assert "ZeroDivisionError: surprise" in err
    assert "--debug" in err
    assert "Traceback" not in err


def test_output_into_a_closed_pipe_is_no_traceback(folder: Path) -> None:
    command = f"{sys.executable} -m fairway.cli.main schema | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("abort", "fairway abort [OPTIONS] [ID]"),
        ("diff", "fairway diff [OPTIONS] [ENV] A B"),
        ("run", "fairway run [OPTIONS] SERVICE [-- COMMAND…]"),
        ("logs", "fairway logs [OPTIONS] [SERVICES…]"),
    ],
)
def test_usage_brackets_what_may_be_left_out_once(
    command: str, usage: str, fairway: CommandLine
) -> None:
    assert f" {usage} " in fairway(command, "--help").out


def test_the_reference_is_what_the_commands_say() -> None:
    written = (ROOT / "docs/commands.md").read_text("utf-8")
    remedy = "python -m fairway.cli.reference > docs/commands.md"
    assert written.rstrip("\n") == reference().rstrip("\n"), remedy


def test_the_reference_documents_every_exit_code_of_the_error_tree() -> None:
    from fairway.errors import FairwayError

    def codes(kind: type[FairwayError]) -> set[int]:
        return {kind.exit_code}.union(*(codes(child) for child in kind.__subclasses__()))

    assert codes(FairwayError) <= EXIT_CODES.keys()


def test_completion_knows_the_commands(folder: Path) -> None:
    environment = os.environ | {
        "_FAIRWAY_COMPLETE": "complete_bash",
        "COMP_WORDS": "fairway sc",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from fairway.cli.main import run; run([])"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["schema", "scale"]

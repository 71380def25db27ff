"""Processes: known before they run, detached, recognised for certain, and gone when stopped."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.local_support import Place, end_of, processes_of
from tests.waiting import PATIENCE, eventually

from fairway.errors import InvalidInput
from fairway.targets.local.commands import shell
from fairway.targets.local.ledger import Ledger
from fairway.targets.local.processes import Exit, Launch, Processes


@pytest.fixture
async def place(tmp_path):
    place = Place(tmp_path)
    yield place
    for record in place.processes.known():
        await place.processes.stop(record, 0.0)
    for process in place.alive():
        process.kill()


def launch(place, command, name="a", **changes):
    return replace(
        Launch(
            kind="service",
            name=name,
            argv=shell(command),
            cwd=place.app_dir,
            log=place.state.log(name, 0),
            inherited=dict(os.environ),
        ),
        **changes,
    )


def start(place, command, **changes):
    return place.processes.start(launch(place, command, **changes))


def output(record):
    return Path(record.log).read_text()


async def test_it_runs_detached_with_its_output_in_a_file(place):
    record = start(place, "echo out; echo err >&2; readlink /proc/self/fd/0 || true; exec sleep 60")
    await eventually(lambda: "/dev/null" in output(record) or sys.platform == "darwin")
    assert output(record).startswith("out\nerr\n")
    assert os.getsid(record.pid) == record.pid != os.getsid(0)
    assert stat.S_IMODE(Path(record.log).stat().st_mode) == 0o600
    assert place.processes.is_alive(record)


async def test_the_process_is_the_program_itself(place):
    record = start(place, "sleep 60")
    await eventually(lambda: psutil.Process(record.pid).cmdline() == ["sleep", "60"])


async def test_logs_are_appended(place):
    for word in ("one", "two"):
        record = start(place, f"echo {word}")
        await end_of(place, record)
        await place.processes.stop(record, 0.0)
    assert output(record) == "one\ntwo\n"


@pytest.mark.parametrize(
    ("command", "ended", "text"),
    [
        ("true", Exit(code=0), "exit code 0"),
        ("exit 3", Exit(code=3), "exit code 3"),
        ("no-such-program", Exit(code=127), "exit code 127"),
        ("./not-executable", Exit(code=126), "exit code 126"),
        ("kill -9 $$; sleep 5", Exit(signal=signal.SIGKILL), "killed by SIGKILL"),
    ],
)
async def test_how_it_ended(place, command, ended, text):
    (place.app_dir / "not-executable").write_text("x")
    record = start(place, command)
    assert await end_of(place, record) == ended
    assert str(ended) == text
    assert place.processes.poll(record) == ended
    assert not place.processes.is_alive(record)


async def test_a_missing_folder_is_said(place):
    with pytest.raises(InvalidInput, match="does not exist"):
        start(place, "true", cwd=place.app_dir / "nowhere")
    assert place.processes.known() == ()


async def test_no_program_runs_that_the_ledger_does_not_know(place):
    """Fairway dies (here: fails) between the fork and the ledger: the program never runs."""

    class Broken(Ledger):
        def add(self, record):
            raise OSError("killed here")

    processes = Processes(Broken(place.state.ledger), place.state.instance)
    with pytest.raises(OSError, match="killed here"):
        processes.start(launch(place, "touch ran; sleep 60"))
    await eventually(lambda: not place.alive())
    assert not (place.app_dir / "ran").exists()


async def test_the_record_is_on_disk_before_the_program_runs(place):
    record = start(place, f"cp {place.state.ledger} seen.json")
    await end_of(place, record)
    assert Ledger(place.app_dir / "seen.json").records() == (record,)


async def test_a_reused_pid_is_somebody_else(place):
    record = start(place, "sleep 60")
    for stranger in (
        replace(record, mark=record.mark - 1, token="x"),
        replace(record, boot_id="another", token="x"),
    ):
        assert not place.processes.is_alive(stranger)
        await place.processes.stop(stranger, 0.0)
    assert place.processes.is_alive(record)


async def test_stopping_lets_it_finish(place):
    record = start(place, "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done")
    await eventually(lambda: output(record) == "up\n")
    assert await place.processes.stop(record, 5.0) == Exit(code=7)
    assert output(record).endswith("bye\n")
    assert place.processes.known() == ()


async def test_what_ignores_the_request_is_killed_after_the_grace(place):
    record = start(place, "trap '' TERM; echo up; while :; do sleep 0.01; done")
    await eventually(lambda: output(record) == "up\n")
    began = time.monotonic()
    assert await place.processes.stop(record, 0.3) == Exit(signal=signal.SIGKILL)
    assert time.monotonic() - began >= 0.3


async def test_in_a_hurry_there_is_no_grace(place):
    record = start(place, "trap '' TERM; echo up; while :; do sleep 0.01; done")
    await eventually(lambda: output(record) == "up\n")
    stopping = asyncio.create_task(place.processes.stop(record, 10 * PATIENCE))
    await asyncio.sleep(0.1)
    place.processes.hurry()
    assert await asyncio.wait_for(stopping, PATIENCE) == Exit(signal=signal.SIGKILL)


TREES = {
    "children": "sleep 60 & sleep 60 & exec sleep 60",
    "a new session": "setsid sleep 60 & exec sleep 60",
    "a daemon": "(setsid sleep 60 &) ; exec sleep 60",
    "stubborn children": "sh -c 'trap \"\" TERM; while :; do sleep 0.01; done' & exec sleep 60",
}


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no setsid program")
@pytest.mark.parametrize("command", TREES.values(), ids=TREES.keys())
async def test_everything_it_started_goes_with_it(place, command):
    record = start(place, command)
    await eventually(lambda: len(place.alive()) >= 2)
    await place.processes.stop(record, 0.3)
    assert place.alive() == []


@pytest.mark.parametrize("command", ["sleep 60 & true", "(sleep 60 &) ; true"])
async def test_what_it_left_behind_is_cleared_too(place, command):
    record = start(place, command)
    await end_of(place, record)
    assert len(place.alive()) == 1
    await place.processes.stop(record, 1.0)
    assert place.alive() == []


async def test_another_replica_is_not_touched(place):
    one = start(place, "sleep 60", name="one")
    two = start(place, "sleep 60", name="two")
    await place.processes.stop(one, 1.0)
    assert place.processes.is_alive(two)
    assert place.processes.known() == (two,)


def survivor(place, command):
    """What a killed Fairway leaves: a running process that is not our child."""
    program = (
        "import os, sys; from pathlib import Path\n"
        "from tests.local_support import Place\n"
        "from tests.unit.local.test_local_processes import start\n"
        "start(Place(Path(sys.argv[1])), sys.argv[2])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(place.app_dir), command], check=False)
    place.processes = Processes(Ledger(place.state.ledger), place.state.instance)


async def test_a_survivor_is_found_and_can_be_stopped(place):
    survivor(place, "sleep 60")
    survey = place.processes.survey()
    assert [record.name for record in survey.running] == ["a"]
    assert survey.strays == ()
    (record,) = survey.running
    assert place.processes.is_alive(record)
    await place.processes.stop(record, 1.0)
    assert place.alive() == []


async def test_how_a_survivor_ended_is_unknown_and_noticed(place):
    survivor(place, "sleep 0.3")
    (record,) = place.processes.survey().running
    assert await end_of(place, record) == Exit()


async def test_a_survivor_that_the_ledger_lost_is_a_stray(place):
    survivor(place, "sleep 60")
    place.state.ledger.unlink()
    place.processes = Processes(Ledger(place.state.ledger), place.state.instance)
    survey = place.processes.survey()
    assert survey.running == ()
    assert [stray.pid for stray in survey.strays] == [p.pid for p in place.alive()]
    await place.processes.clear(survey.strays)
    assert place.alive() == []


async def test_children_of_a_dead_survivor_are_strays(place):
    survivor(place, "sleep 60 & sleep 0.1")
    (leader,) = place.processes.known()
    await eventually(lambda: place.alive() != [] and not place.processes.is_alive(leader))
    survey = place.processes.survey()
    assert survey.running == ()
    assert len(survey.strays) == 1
    assert place.processes.known() == ()
    await place.processes.clear(survey.strays)
    assert place.alive() == []


async def test_a_zombie_is_not_alive(place):
    record = start(place, "true")
    await eventually(lambda: psutil.Process(record.pid).status() == psutil.STATUS_ZOMBIE)
    assert not place.processes.is_alive(record)
    assert place.processes.poll(record) == Exit(code=0)
    assert not psutil.pid_exists(record.pid)


def test_what_counts_for_recognising_a_process(place):
    one = launch(place, "sleep 60")
    assert one.fingerprint == replace(one, inherited={}, log=Path("/other")).fingerprint
    for other in (
        replace(one, argv=shell("sleep 61")),
        replace(one, environment={"A": "1"}),
        replace(one, cwd=Path("/")),
        replace(one, version="r2"),
    ):
        assert other.fingerprint != one.fingerprint


async def test_the_scan_finds_only_this_app(place, tmp_path_factory):
    other = Place(tmp_path_factory.mktemp("other"))
    record = start(other, "sleep 60")
    assert place.processes.survey().strays == ()
    assert processes_of(place.state) == []
    await other.processes.stop(record, 1.0)

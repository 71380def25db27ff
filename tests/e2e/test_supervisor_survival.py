"""After SIGKILL of Fairway everything serves on and is adopted; after Ctrl-C nothing is left."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.local_support import SERVER, Place, get, get_eventually, processes_of
from tests.waiting import PATIENCE, eventually

from fairway.targets.local.lock import held_by
from fairway.targets.local.ports import is_free

ROOT = Path(__file__).parents[2]
SERVICES = {
    "web": {"run": SERVER, "health": "/", "replicas": 2, "calls": {"db": ["x"]}},
    "db": {"run": SERVER},
    "work": {"kind": "worker", "run": "sleep 60 & exec sleep 60"},
}


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    for process in place.alive():
        process.kill()


@contextmanager
def supervised(place, services):
    command = [sys.executable, "-m", "tests.e2e.supervised", str(place.app_dir)]
    with subprocess.Popen(
        [*command, json.dumps(services)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout.readline() == "starting\n"
            line = process.stdout.readline()
            assert line, "it did not start"
            yield process, {(s, r): (pid, port) for s, r, pid, port in json.loads(line)}
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)


async def test_a_killed_fairway_leaves_its_services_running_and_the_next_adopts_them(place):
    with supervised(place, SERVICES) as (process, before):
        kill(process)
    for pid, port in before.values():
        assert psutil.pid_exists(pid)
        if port is not None:
            assert (await get(port))[0] == 200
    with supervised(place, SERVICES) as (_, after):
        assert after == before
    assert place.alive() == []
    assert all(is_free(port) for _, port in before.values() if port is not None)


async def test_what_does_not_fit_any_more_is_cleared_and_the_rest_adopted(place):
    with supervised(place, SERVICES) as (process, before):
        kill(process)
    changed = {
        "web": {**SERVICES["web"], "replicas": 1},
        "work": {"kind": "worker", "run": "sleep 61"},
    }
    with supervised(place, changed) as (_, after):
        assert after["web", 0] == before["web", 0]
        assert after["work", 0] != before["work", 0]
        gone = {before[key][0] for key in (("web", 1), ("db", 0), ("work", 0))}
        assert gone.isdisjoint(process.pid for process in place.alive())
        assert set(after) == {("web", 0), ("work", 0)}
    assert place.alive() == []


async def test_files_changed_while_nobody_watched_are_reloaded(place):
    site = place.app_dir / "site"
    site.mkdir()
    (site / "index.html").write_text("old")
    services = {
        "web": {"run": SERVER, "health": "/", "build": "site"},
        "other": {"run": SERVER, "build": "site", "watch": ["lib"]},
    }
    with supervised(place, services) as (process, before):
        kill(process)
    with supervised(place, services) as (process, same):
        assert same == before
        kill(process)
    (site / "index.html").write_text("new")
    with supervised(place, services) as (_, after):
        assert after["other", 0] == before["other", 0]
        assert before["web", 0][0] not in {pid for pid, _ in after.values()}
    assert place.alive() == []


async def test_an_adopted_service_that_dies_is_started_again(place):
    with supervised(place, SERVICES) as (process, _):
        kill(process)
    with supervised(place, SERVICES) as (_, after):
        pid, port = after["db", 0]
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: pid not in {p.pid for p in place.alive()})
        assert (await get_eventually(port))[0] == 200


async def test_killed_at_any_moment_of_the_start_nothing_unknown_is_left(place):
    """Kill it ever later into its start; what it left is always found and cleared."""
    command = [sys.executable, "-m", "tests.e2e.supervised", str(place.app_dir)]
    left = 0
    for milliseconds in (0, 10, 20, 40, 80, 160, 320, 640):
        with subprocess.Popen(
            [*command, json.dumps(SERVICES)], stdout=subprocess.PIPE, cwd=ROOT
        ) as process:
            assert process.stdout.readline() == b"starting\n"
            await asyncio.sleep(milliseconds / 1000)
            kill(process)
        next_one = Place(place.app_dir)
        survey = next_one.processes.survey()
        known = {record.pid for record in survey.running} | {s.pid for s in survey.strays}
        running = place.alive()
        left += len(running)
        assert all(process.pid in known or process.ppid() in known for process in running)
        await next_one.processes.clear(survey.strays)
        for record in survey.running:
            await next_one.processes.stop(record, 1.0)
        assert place.alive() == []
    assert left > 0, "it was never killed while something ran: the test proves nothing"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_orderly_end_leaves_no_process_port_or_lock(place, number):
    with supervised(place, SERVICES) as (process, services):
        assert held_by(place.state.lock).pid == process.pid
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert processes_of(place.state) == []
    assert all(is_free(port) for _, port in services.values() if port is not None)
    assert not place.state.lock.exists()
    assert json.loads(place.state.ledger.read_bytes()) == {"records": []}


async def test_ctrl_c_while_starting_leaves_nothing(place):
    services = {"web": {"run": SERVER}, "slow": {"run": "sleep 60", "calls": {"web": ["x"]}}}
    command = [sys.executable, "-m", "tests.e2e.supervised", str(place.app_dir)]
    with subprocess.Popen(
        [*command, json.dumps(services)], stdout=subprocess.DEVNULL, cwd=ROOT
    ) as process:
        await eventually(lambda: len(place.alive()) == 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    assert place.alive() == []
    assert not place.state.lock.exists()

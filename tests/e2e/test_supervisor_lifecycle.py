"""The supervisor on real processes: order, health, restarts, replacement without a lost request."""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count, pairwise

import pytest
from tests.local_support import SERVER, Place, Traffic, get, pids, processes_of, states
from tests.waiting import PATIENCE, eventually

from fairway.errors import Conflict, NotFound, Unavailable
from fairway.targets.local.ports import is_free
from fairway.targets.local.replica import Backoff, State

QUICK = {"interval": "50ms", "timeout": "400ms"}

VERSIONED = """
import http.server, os, time
TEXT = open("text").read()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    def do_GET(self):
        time.sleep(0.02)
        ok = not os.path.exists("sick")
        self.send_response(200 if ok else 500); self.end_headers(); self.wfile.write(TEXT.encode())
    def log_message(self, *a): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = False
server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
import signal, threading
signal.signal(signal.SIGTERM, lambda *a: threading.Thread(target=server.shutdown).start())
server.serve_forever(0.01); server.server_close()
"""
"""A server that reads its text at start and finishes its requests before it ends."""


@pytest.fixture
async def place(tmp_path):
    place = Place(tmp_path)
    yield place
    leftovers = place.alive()
    for process in leftovers:
        process.kill()
    assert leftovers == []


def versioned(place, name="web", text="one", **declared):
    folder = place.app_dir / name
    folder.mkdir(exist_ok=True)
    (folder / "text").write_text(text)
    (folder / "server.py").write_text(VERSIONED)
    return place.spec(
        name,
        **{"build": name, "run": f"{sys.executable} server.py", "health": {"path": "/", **QUICK}}
        | declared,
    )


async def recorded(supervisor):
    """Collects events from now on."""
    seen = []

    async def listen():
        async for event in events:
            seen.append(event)  # noqa: PERF401 - each is looked at while more are awaited

    events = supervisor.events()
    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    return seen, task


async def test_callees_are_healthy_before_their_callers_start(place):
    specs = [
        place.spec("a", run=SERVER, calls={"b": ["x"], "c": ["x"]}),
        place.spec("b", run=SERVER, calls={"c": ["x"]}),
        place.spec("c", run=SERVER, calls={"a": ["x"]}),
        place.spec("d", run=SERVER, replicas=2),
    ]
    supervisor = place.supervisor(*specs)
    seen, listening = await recorded(supervisor)
    await supervisor.start()
    try:
        order = [(e.service, e.after) for e in seen]
        assert order.index(("c", State.HEALTHY)) < order.index(("b", State.STARTING))
        assert order.index(("b", State.HEALTHY)) < order.index(("a", State.STARTING))
        assert order.index(("d", State.STARTING)) < order.index(("c", State.HEALTHY))
        assert {len(place.traffic.ports[name]) for name in "abc"} == {1}
        assert len(place.traffic.ports["d"]) == 2
    finally:
        await supervisor.stop()
    await asyncio.wait_for(listening, PATIENCE)
    stopped = [e.service for e in seen if e.after is State.STOPPED]
    assert stopped.index("a") < stopped.index("b") < stopped.index("c")


async def test_a_crashed_replica_is_started_again_and_nobody_else(place):
    crashing = versioned(place, "web")
    async with place.running(crashing, place.spec("other", run=SERVER)) as supervisor:
        (before,), others = pids(supervisor, "web"), pids(supervisor, "other")
        port = place.traffic.ports["web"][0]
        os.kill(before, signal.SIGKILL)
        await eventually(lambda: place.traffic.ports["web"] == ())
        await eventually(lambda: place.traffic.ports["web"] == (port,))
        (after,) = pids(supervisor, "web")
        assert after != before
        assert pids(supervisor, "other") == others
        assert await get(port) == (200, "one")


async def test_what_stops_answering_leaves_traffic_and_is_replaced(place):
    async with place.running(versioned(place)) as supervisor:
        (before,) = pids(supervisor, "web")
        (place.app_dir / "web" / "sick").touch()
        await eventually(lambda: states(supervisor, "web") == [State.UNHEALTHY])
        await eventually(lambda: place.traffic.ports["web"] == ())
        assert pids(supervisor, "web") == [before]
        await eventually(lambda: pids(supervisor, "web") not in ([before], []))
        (place.app_dir / "web" / "sick").unlink()
        await eventually(lambda: len(place.traffic.ports["web"]) == 1)


async def test_a_hanging_program_is_replaced(place):
    async with place.running(versioned(place)) as supervisor:
        (before,) = pids(supervisor, "web")
        os.kill(before, signal.SIGSTOP)
        await eventually(lambda: place.traffic.ports["web"] == ())
        place.processes.hurry()
        await eventually(lambda: len(place.traffic.ports["web"]) == 1)
        assert pids(supervisor, "web") != [before]


class Draining(Traffic):
    """A mesh whose move is done when what it had sent the old way is answered."""

    def __init__(self):
        super().__init__()
        self.under_way = Counter()
        self.answers, self.failures = [], []

    async def __call__(self, service, endpoints):
        await super().__call__(service, endpoints)
        gone = self.under_way.keys() - set(self.ports[service])
        while any(self.under_way[port] for port in gone):
            await asyncio.sleep(0.005)

    async def ask_without_end(self, service):
        """Requests one after the other, each to where traffic goes at that moment."""
        for turn in count():
            ports = self.ports[service]
            port = ports[turn % len(ports)]
            self.under_way[port] += 1
            try:
                self.answers.append((await get(port))[1])
            except OSError as error:
                self.failures.append(error)
            finally:
                self.under_way[port] -= 1


@asynccontextmanager
async def load(traffic, service, clients=4):
    """Requests from several clients during a `with` block, and a little before and after."""
    asking = [asyncio.create_task(traffic.ask_without_end(service)) for _ in range(clients)]
    await asyncio.sleep(0.1)
    yield
    await asyncio.sleep(0.1)
    for client in asking:
        client.cancel()
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


@pytest.mark.parametrize("replicas", [1, 3])
async def test_a_rolling_replacement_loses_no_request(place, replicas):
    place.traffic = Draining()
    async with place.running(versioned(place, replicas=replicas)) as supervisor:
        before = set(pids(supervisor, "web"))
        async with load(place.traffic, "web"):
            (place.app_dir / "web" / "text").write_text("two")
            await supervisor.restart("web")
        assert place.traffic.failures == []
        assert set(place.traffic.answers) == {"one", "two"}
        assert place.traffic.answers[-1] == "two"
        assert len(pids(supervisor, "web")) == replicas
        assert before.isdisjoint(pids(supervisor, "web"))


ABRUPT = VERSIONED.replace("import signal, threading\n", "").replace(
    "signal.signal(signal.SIGTERM,", "(lambda *_: None)(0,"
)
"""The same server, which SIGTERM ends at once, requests under way or not."""


async def test_a_program_that_ends_at_once_may_finish_what_it_has(place):
    place.drain = 0.5
    spec = versioned(place)
    (place.app_dir / "web" / "server.py").write_text(ABRUPT.replace("sleep(0.02)", "sleep(0.2)"))
    async with place.running(spec) as supervisor:
        asking = asyncio.create_task(get(place.traffic.ports["web"][0]))
        await asyncio.sleep(0.05)
        await supervisor.scale("web", 0)
        assert await asking == (200, "one")


async def test_a_new_version_that_fails_leaves_the_old_one_serving(place):
    spec = versioned(place)
    async with place.running(spec) as supervisor:
        before, ports = pids(supervisor, "web"), place.traffic.ports["web"]
        (place.app_dir / "web" / "server.py").write_text("import no_such_module")
        with pytest.raises(Unavailable, match="No module named 'no_such_module'") as caught:
            await supervisor.restart("web")
        assert "install the Python module no_such_module" in caught.value.remedy
        assert pids(supervisor, "web") == before
        assert place.traffic.ports["web"] == ports
        assert await get(ports[0]) == (200, "one")


class Stuck(Traffic):
    """A mesh that refuses the next moves."""

    refusals = 0
    refusal: Exception = Unavailable("refused", "the mesh refused it")

    async def __call__(self, service, endpoints):
        if self.refusals > 0:
            self.refusals -= 1
            raise self.refusal
        await super().__call__(service, endpoints)


async def test_without_moved_traffic_the_old_replica_stays(place):
    place.traffic = Stuck()
    async with place.running(versioned(place)) as supervisor:
        before, ports = pids(supervisor, "web"), place.traffic.ports["web"]
        place.traffic.refusals = 2
        with pytest.raises(Unavailable, match="the mesh refused it"):
            await supervisor.restart("web")
        assert pids(supervisor, "web") == before
        assert place.traffic.ports["web"] == ports


@pytest.mark.parametrize("refusal", [Stuck.refusal, OSError(28, "the mesh refused it: disk full")])
async def test_traffic_that_could_not_be_moved_is_moved_later(place, refusal):
    place.traffic = Stuck()
    place.traffic.refusal = refusal
    async with place.running(versioned(place)) as supervisor:
        (before,), ports = pids(supervisor, "web"), place.traffic.ports["web"]
        seen, listening = await recorded(supervisor)
        place.traffic.refusals = 1
        (place.app_dir / "web" / "server.py").write_text("import no_such_module")
        os.kill(before, signal.SIGKILL)
        await eventually(lambda: any("the mesh refused it" in event.detail for event in seen))
        assert place.traffic.ports["web"] == ports
        await eventually(lambda: place.traffic.ports["web"] == ())
    await listening


async def test_an_update_moves_to_the_new_spec(place):
    spec = versioned(place)
    async with place.running(spec) as supervisor:
        before = pids(supervisor, "web")
        await supervisor.update(replace(spec, declaration="another", replicas=2))
        assert len(pids(supervisor, "web")) == 2
        assert not set(before) & set(pids(supervisor, "web"))


async def test_scaling_keeps_those_that_run(place):
    async with place.running(versioned(place, replicas=2)) as supervisor:
        before = pids(supervisor, "web")
        await supervisor.scale("web", 4)
        assert pids(supervisor, "web")[:2] == before
        assert len(place.traffic.ports["web"]) == 4
        await supervisor.scale("web", 1)
        assert pids(supervisor, "web") == before[:1]
        assert len(place.traffic.ports["web"]) == 1
        await supervisor.scale("web", 0)
        assert place.traffic.ports["web"] == ()
        await supervisor.scale("web", 1)
        assert len(place.traffic.ports["web"]) == 1


async def test_changed_files_reload_their_service_only(place):
    one, two = versioned(place, "one", text="old"), versioned(place, "two", text="old")
    async with place.running(one, two) as supervisor:
        supervisor.watch_files()
        untouched = pids(supervisor, "two")
        before = pids(supervisor, "one")
        await asyncio.sleep(2)  # until the watch is set up
        cache = place.app_dir / "two" / "__pycache__"
        cache.mkdir()
        (cache / "server.pyc").write_text("x")
        (place.app_dir / "one" / "text").write_text("new")
        await eventually(lambda: pids(supervisor, "one") not in (before, []))
        await eventually(lambda: len(pids(supervisor, "one")) == 1)
        assert await get(place.traffic.ports["one"][0]) == (200, "new")
        assert pids(supervisor, "two") == untouched


async def test_a_service_repaired_on_disk_comes_up(place):
    spec = versioned(place)
    (place.app_dir / "web" / "server.py").write_text("import no_such_module")
    supervisor = place.supervisor(spec, place.spec("caller", run=SERVER, calls={"web": ["x"]}))
    try:
        with pytest.raises(Unavailable) as caught:
            await supervisor.start()
        assert "web.0 ended: exit code 1" in caught.value.message
        assert "caller is not started: it waits for web" in caught.value.message
        (place.app_dir / "web" / "server.py").write_text(VERSIONED)
        await supervisor.restart("web")
        await eventually(lambda: states(supervisor, "caller") == [State.HEALTHY])
    finally:
        await supervisor.stop()


async def test_who_stops_supervising_hands_over_what_runs(place):
    specs = [versioned(place, replicas=2), place.spec("other", run=SERVER)]
    first = place.supervisor(*specs)
    await first.start()
    before = pids(first, "web") + pids(first, "other")
    await first.abandon()
    assert {process.pid for process in place.alive()} == set(before)

    (place.app_dir / "web" / "text").write_text("two")
    heir = Place(place.app_dir)
    async with heir.running(*specs, left=heir.processes.survey().running) as second:
        assert pids(second, "other") == before[2:]
        assert set(before[:2]).isdisjoint(pids(second, "web"))
        assert await get(heir.traffic.ports["web"][0]) == (200, "two")


async def test_a_process_of_a_service_that_is_gone_is_stopped(place):
    first = place.supervisor(place.spec("gone", run=SERVER), place.spec("other", run=SERVER))
    await first.start()
    await first.abandon()
    heir = Place(place.app_dir)
    left = heir.processes.survey().running
    async with heir.running(heir.spec("other", run=SERVER, port=None), left=left):
        assert len(heir.alive()) == 1


async def test_unknown_services_are_named(place):
    async with place.running(place.spec("web", run=SERVER)) as supervisor:
        with pytest.raises(NotFound, match="no service 'wep'") as caught:
            await supervisor.restart("wep")
        assert caught.value.remedy == "did you mean 'web'?"


async def test_jobs_complete_and_workers_have_no_port(place):
    job = place.spec("job", kind="job", run="echo port=$PORT; exit 0")
    worker = place.spec("worker", kind="worker", run="exec sleep 60")
    async with place.running(job, worker) as supervisor:
        assert states(supervisor, "job") == [State.COMPLETED]
        assert states(supervisor, "worker") == [State.HEALTHY]
        assert {s.port for s in supervisor.status()} == {None}
        assert place.state.log("job", 0).read_text() == "port=\n"
        assert place.traffic.moves == []


async def test_a_failed_job_reports_its_exit_code_and_runs_once(place):
    supervisor = place.supervisor(place.spec("job", kind="job", run="echo once; exit 3"))
    try:
        with pytest.raises(Unavailable, match=re.escape("job.0 ended: exit code 3")):
            await supervisor.start()
        await asyncio.sleep(0.6)
        assert place.state.log("job", 0).read_text() == "once\n"
        assert states(supervisor, "job") == [State.FAILED]
    finally:
        await supervisor.stop()


@pytest.mark.parametrize(
    ("declared", "message", "remedy"),
    [
        ({"run": "no-such-program $PORT"}, "its program was not found", "install the program"),
        (
            {"run": f"{sys.executable} -c 'import no_such_module'"},
            "No module named",
            "install the Python module no_such_module",
        ),
        (
            {"run": "sleep 60", "health": {"start_timeout": "300ms"}},
            "nothing listens on port",
            "listens on 127.0.0.1:$PORT",
        ),
        (
            {"run": SERVER, "health": {"path": "/nowhere", "start_timeout": "800ms"}},
            "GET /nowhere: 404",
            "answers 2xx",
        ),
        ({"run": "true", "build": "nowhere"}, "does not exist", "correct `build`"),
    ],
)
async def test_what_does_not_start_is_explained(place, declared, message, remedy):
    supervisor = place.supervisor(place.spec("web", **declared))
    try:
        with pytest.raises(Unavailable) as caught:
            await supervisor.start()
        assert message in caught.value.message
        assert remedy in caught.value.remedy
        assert str(place.state.log("web", 0)) in caught.value.message
    finally:
        await supervisor.stop()


async def test_a_declared_port_is_used_or_its_holder_named(place):
    port = place.ports.assign("probe")
    place.ports.release("probe")
    spec = place.spec("web", run=SERVER, port=port)
    async with place.running(spec) as supervisor:
        assert place.traffic.ports["web"] == (port,)
        (before,) = pids(supervisor, "web")
        await supervisor.restart("web")
        assert place.traffic.ports["web"] == (port,)
        assert pids(supervisor, "web") != [before]
        other = place.supervisor(place.spec("other", run=SERVER, port=port))
        with pytest.raises(Conflict, match=f"port {port}"):
            await other.start()
        await other.abandon()
    assert is_free(port)


async def test_ports_stay_the_same_across_restarts(place):
    spec = place.spec("web", run=SERVER, replicas=2)
    async with place.running(spec):
        first = place.traffic.ports["web"]
    async with place.running(spec):
        assert place.traffic.ports["web"] == first


async def test_stopping_in_the_middle_of_starting_leaves_nothing(place):
    supervisor = place.supervisor(
        place.spec("web", run=SERVER), place.spec("slow", run="sleep 60", calls={"web": ["x"]})
    )
    starting = asyncio.create_task(supervisor.start())
    await eventually(lambda: len(processes_of(place.state)) == 2)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await supervisor.stop()
    assert place.alive() == []
    assert place.processes.known() == ()


async def test_stopping_interrupts_a_replacement(place):
    spec = versioned(place)
    supervisor = place.supervisor(spec)
    await supervisor.start()
    (place.app_dir / "web" / "server.py").write_text("import time; time.sleep(60)")
    replacing = asyncio.create_task(supervisor.restart("web"))
    await eventually(lambda: len(place.alive()) == 2)
    await supervisor.stop()
    with pytest.raises((Unavailable, Conflict)):
        await asyncio.wait_for(replacing, PATIENCE)
    assert place.alive() == []


async def test_a_crash_loop_backs_off_and_is_reported(place):
    spec = place.spec("web", run="echo boom; exit 1")
    supervisor = place.supervisor(spec)
    seen, listening = await recorded(supervisor)
    try:
        with pytest.raises(Unavailable, match=re.escape("  | boom")):
            await supervisor.start()
        assert supervisor.status()[0].crash_looping
    finally:
        await supervisor.stop()
    await asyncio.wait_for(listening, PATIENCE)
    starts = [event.at for event in seen if event.after is State.STARTING]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(starts) == 3
    assert gaps[1] > gaps[0] >= Backoff().initial


async def test_the_logs_of_versions_that_went_long_ago_are_gone(place):
    spec = versioned(place)
    async with place.running(spec) as supervisor:
        for number in range(1, 6):
            await supervisor.run([replace(spec, version=f"r{number}")])
            await supervisor.remove("web", f"r{number}")
        logs = {path.name for path in place.state.logs.glob("web.*")}
    assert logs == {"web.0.log", "web.r3.0.log", "web.r4.0.log", "web.r5.0.log"}

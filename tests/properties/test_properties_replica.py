"""What holds for every life of a replica, whatever happens in whichever order."""

from hypothesis import given
from hypothesis import strategies as st

from fairway.targets.local.order import waits_for
from fairway.targets.local.replica import (
    FINAL,
    RUNNING,
    Backoff,
    Ended,
    Launched,
    Probed,
    Replica,
    Rules,
    State,
    StopAsked,
    advance,
    must_be_replaced,
)

happenings = st.one_of(
    st.just(Launched()),
    st.builds(Probed, st.booleans()),
    st.builds(Ended, st.booleans(), st.booleans()),
    st.just(StopAsked()),
)
rules = st.builds(
    Rules,
    healthy=st.integers(1, 4),
    unhealthy=st.integers(1, 4),
    give_up=st.integers(1, 12),
    start_timeout=st.floats(0.1, 60),
    runs_once=st.booleans(),
)
steps = st.tuples(happenings, st.floats(0, 100), st.floats(0, 1, exclude_max=True))
lives = st.lists(steps, max_size=60)


def history(life, rules):
    now, replica = 0.0, Replica()
    yield None, replica, now
    for happening, pause, jitter in life:
        now += pause
        replica = advance(replica, happening, now=now, rules=rules, jitter=jitter)
        yield happening, replica, now


@given(lives, rules)
def test_final_is_final(life, rules):
    seen = None
    for _, replica, _ in history(life, rules):
        if seen is not None:
            assert replica == seen
        if replica.state in FINAL:
            seen = replica


@given(lives, rules)
def test_it_resumes_exactly_when_it_backs_off_and_never_in_the_past(life, rules):
    for _, replica, now in history(life, rules):
        assert (replica.resume_at is not None) == (replica.state is State.BACKING_OFF)
        if replica.resume_at is not None:
            assert replica.since <= now
            assert replica.resume_at > replica.since
            assert replica.resume_at - replica.since <= rules.backoff.maximum + 1e-6


@given(lives, rules)
def test_it_becomes_healthy_only_after_enough_good_probes_of_this_very_run(life, rules):
    good = 0
    before = State.PENDING
    for happening, replica, _ in history(life, rules):
        match happening:
            case Probed(True) if before in RUNNING:
                good += 1
            case Probed(False) if before in RUNNING:
                good = 0
            case Launched() if replica.state is State.STARTING and before is not State.STARTING:
                good = 0
        if replica.state is State.HEALTHY and before is not State.HEALTHY:
            assert good >= rules.healthy
        before = replica.state


@given(lives, rules)
def test_once_asked_to_stop_it_never_runs_again(life, rules):
    asked = False
    for happening, replica, _ in history(life, rules):
        asked = asked or isinstance(happening, StopAsked)
        if asked:
            assert replica.state in FINAL | {State.STOPPING}


@given(lives, rules)
def test_a_job_never_starts_twice(life, rules):
    for _, replica, _ in history(life, rules):
        if rules.runs_once:
            assert replica.restarts == 0
            assert replica.state is not State.BACKING_OFF


@given(lives, rules, st.floats(0, 1000))
def test_only_a_running_process_is_ever_replaced(life, rules, later):
    for _, replica, now in history(life, rules):
        if must_be_replaced(replica, now=now + later, rules=rules):
            assert replica.state in {State.STARTING, State.UNHEALTHY}


@given(
    st.integers(1, 10_000),
    st.floats(0, 1, exclude_max=True),
    st.builds(
        Backoff, st.floats(0.01, 10), st.floats(1, 10), st.floats(10, 600), st.floats(0, 0.9)
    ),
)
def test_delays_grow_up_to_the_ceiling(failures, jitter, backoff):
    delay = backoff.delay(failures, jitter)
    assert 0 < delay <= backoff.maximum
    assert backoff.delay(failures + 1, jitter) >= delay
    assert backoff.delay(failures, 0.0) * (1 - backoff.spread) <= delay + 1e-9


names = st.sampled_from([f"s{n}" for n in range(12)])


@given(st.dictionaries(names, st.sets(st.one_of(names, st.just("elsewhere"))), min_size=1))
def test_waiting_has_no_cycle_and_loses_only_what_closes_one(calls):
    waits = waits_for(calls)
    assert waits == waits_for(dict(reversed(calls.items())))
    assert waits.keys() == calls.keys()
    order = []
    while len(order) < len(waits):
        ready = [n for n in waits if n not in order and waits[n] <= set(order)]
        assert ready, "a cycle is left"
        order += ready
    for name, callees in calls.items():
        assert waits[name] <= callees
        for callee in callees & calls.keys() - waits[name]:
            assert reaches(callee, name, calls), "this call closed no cycle"


def reaches(start, goal, calls):
    seen, todo = set(), [start]
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            todo += calls.get(name, ())
    return False

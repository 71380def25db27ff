"""The life of a replica, step by step. What holds for every life is among the properties."""

import pytest

from fairway.targets.local.replica import (
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

RULES = Rules(healthy=2, unhealthy=3, give_up=5, start_timeout=10.0)
UP, DOWN, CRASH = Probed(True), Probed(False), Ended()


def live(*happenings, rules=RULES, replica=None, now=0.0, step=1.0):
    """Let things happen one second apart."""
    replica = replica or Replica()
    for happening in happenings:
        now += step
        replica = advance(replica, happening, now=now, rules=rules)
    return replica


def test_it_needs_enough_successes_in_a_row_to_be_healthy():
    assert live(Launched(), UP).state is State.STARTING
    assert live(Launched(), UP, DOWN, UP).state is State.STARTING
    assert live(Launched(), UP, UP).state is State.HEALTHY


def test_it_needs_enough_failures_in_a_row_to_be_unhealthy():
    up = (Launched(), UP, UP)
    assert live(*up, DOWN, DOWN).state is State.HEALTHY
    assert live(*up, DOWN, DOWN, UP, DOWN, DOWN).state is State.HEALTHY
    assert live(*up, DOWN, DOWN, DOWN).state is State.UNHEALTHY
    assert live(*up, DOWN, DOWN, DOWN, UP, UP).state is State.HEALTHY


def test_patience_ends_with_what_never_comes_up():
    starting = live(Launched())
    assert not must_be_replaced(starting, now=10.9, rules=RULES)
    assert must_be_replaced(starting, now=11.0, rules=RULES)
    job = Rules(runs_once=True, start_timeout=10.0)
    assert not must_be_replaced(starting, now=1000.0, rules=job)


def test_patience_ends_with_what_stays_unhealthy():
    unhealthy = live(Launched(), UP, UP, DOWN, DOWN, DOWN)
    assert not must_be_replaced(unhealthy, now=99.0, rules=RULES)
    assert must_be_replaced(live(DOWN, DOWN, replica=unhealthy), now=99.0, rules=RULES)


def test_crashes_back_off_longer_and_longer():
    replica, waits = Replica(), []
    for _ in range(9):
        replica = live(Launched(), CRASH, replica=replica, now=100.0)
        waits.append(replica.resume_at - replica.since)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert replica.restarts == 8


def test_three_failures_in_a_row_are_a_crash_loop():
    twice = live(Launched(), CRASH, Launched(), CRASH)
    assert not twice.crash_looping
    assert live(Launched(), CRASH, replica=twice).crash_looping


def test_only_a_stable_run_clears_the_failures():
    crashed = live(Launched(), CRASH, Launched(), CRASH)
    healthy = live(Launched(), UP, UP, replica=crashed, now=100.0)
    assert live(CRASH, replica=healthy, now=131.0).failures == 3
    assert live(CRASH, replica=healthy, now=132.0).failures == 1


@pytest.mark.parametrize(
    ("ended", "state"),
    [(Ended(succeeded=True), State.COMPLETED), (Ended(succeeded=False), State.FAILED)],
)
def test_a_job_ends_once(ended, state):
    job = Rules(runs_once=True)
    assert live(Launched(), ended, rules=job).state is state
    assert live(Launched(), UP, ended, Launched(), UP, rules=job).state is state


def test_a_service_that_ends_well_has_ended_all_the_same():
    assert live(Launched(), Ended(succeeded=True)).state is State.BACKING_OFF


def test_what_cannot_be_executed_is_not_tried_again():
    assert live(Launched(), Ended(hopeless=True)).state is State.FAILED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), State.STOPPED),
        ((Launched(),), State.STOPPING),
        ((Launched(), UP, UP), State.STOPPING),
        ((Launched(), UP, UP, DOWN, DOWN, DOWN), State.STOPPING),
        ((Launched(), CRASH), State.STOPPED),
        ((Launched(), Ended(hopeless=True)), State.FAILED),
    ],
)
def test_it_stops_from_everywhere(before, after):
    stopping = live(*before, StopAsked())
    assert stopping.state is after
    assert live(CRASH, Launched(), UP, UP, replica=stopping).final


def test_jitter_only_shortens_and_only_so_far():
    backoff = Backoff(initial=10.0, spread=0.2)
    assert backoff.delay(1, 0.0) == 10.0
    assert backoff.delay(1, 0.5) == 9.0
    assert backoff.delay(1, 0.999) > 8.0

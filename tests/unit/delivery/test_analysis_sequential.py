"""The sequential tests: their expectation under the null is what makes them valid at all times."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest

from fairway.delivery.analysis.sequential import (
    BETTER,
    MUCH_WORSE,
    WORSE,
    Counts,
    Mixture,
    largest_margin,
    log_above,
    log_fewer,
    log_more,
    mixture,
)

SHARES = (0.01, 0.05, 0.25, 0.5, 0.9)
RATES = (0.0, 0.005, 0.1, 0.6)


def one_request(share: float, candidate: float, stable: float) -> list[tuple[float, Counts]]:
    """Everything that one request can do, with its chance: where it goes, and whether it fails."""
    return [
        (share * (1 - candidate), Counts(share, 1, 0, 0, 0)),
        (share * candidate, Counts(share, 1, 1, 0, 0)),
        ((1 - share) * (1 - stable), Counts(share, 0, 0, 1, 0)),
        ((1 - share) * stable, Counts(share, 0, 0, 1, 1)),
    ]


@pytest.mark.parametrize("odds", MUCH_WORSE.odds)
@pytest.mark.parametrize("margin", [0.0, 0.001, 0.05, -0.05])
def test_no_bet_on_more_gains_while_the_difference_is_within_the_margin(
    odds: float, margin: float
) -> None:
    for share, stable in product(SHARES, RATES):
        candidate = stable + margin
        if 0 <= candidate <= 1:
            stake = sum(
                chance * math.exp(log_more([counts], margin, mixture((odds, 1.0))))
                for chance, counts in one_request(share, candidate, stable)
            )
            assert stake <= 1 + 1e-9


@pytest.mark.parametrize("margin", [0.0, 0.01, 0.2, -0.05])
def test_no_bet_on_fewer_gains_while_the_difference_is_at_least_the_margin(margin: float) -> None:
    for share, stable in product(SHARES, RATES):
        candidate = stable + margin
        if 0 <= candidate <= 1:
            stake = sum(
                chance * math.exp(log_fewer([counts], margin))
                for chance, counts in one_request(share, candidate, stable)
            )
            assert stake <= 1 + 1e-9


@pytest.mark.parametrize("limit", [0.0005, 0.01, 0.3])
def test_no_bet_on_a_broken_limit_gains_while_it_is_kept(limit: float) -> None:
    failed, fine = math.exp(log_above(1, 1, limit)), math.exp(log_above(0, 1, limit))

    assert limit * failed + (1 - limit) * fine <= 1 + 1e-9


@pytest.mark.parametrize("bets", [WORSE, MUCH_WORSE, BETTER])
def test_the_stakes_are_one_in_all(bets: Mixture) -> None:
    assert sum(bets.stakes) == pytest.approx(1.0)


def test_without_requests_there_is_no_evidence() -> None:
    assert log_more([], 0.001, MUCH_WORSE) == pytest.approx(0.0)
    assert log_fewer([], 0.01) == pytest.approx(0.0)
    assert log_above(0, 0, 0.01) == pytest.approx(0.0)


def test_without_a_stable_version_nothing_is_proven() -> None:
    assert log_more([Counts(1.0, 1000, 900, 0, 0)], 0.0, MUCH_WORSE) == pytest.approx(0.0)


def test_two_failures_of_the_first_four_suffice_at_five_percent() -> None:
    assert log_more([Counts(0.05, 4, 2, 76, 0)], 0.001, MUCH_WORSE) > math.log(1 / 0.0075)
    assert log_more([Counts(0.05, 4, 1, 76, 0)], 0.001, MUCH_WORSE) < math.log(1 / 0.0075)


@pytest.mark.parametrize(("weight", "needed"), [(1, 2), (5, 2), (10, 3), (25, 5), (50, 9)])
def test_it_takes_as_many_bad_answers_as_the_how_to_page_says(weight: int, needed: int) -> None:
    share, enough = weight / 100, math.log(1 / 0.0075)

    def seen(failed: int) -> Counts:
        return Counts(share, failed, failed, int(failed / share) - failed, 0)

    assert log_more([seen(needed)], 0.001, MUCH_WORSE) >= enough
    assert log_more([seen(needed - 1)], 0.001, MUCH_WORSE) < enough


def test_the_difference_is_bounded_from_below_and_closer_with_more_requests() -> None:
    few = largest_margin([Counts(0.05, 300, 15, 5700, 12)], MUCH_WORSE, 0.01)
    many = largest_margin([Counts(0.05, 3000, 150, 57_000, 120)], MUCH_WORSE, 0.01)

    assert 0.005 < few < many < 0.048
    assert largest_margin([Counts(0.05, 300, 1, 5700, 19)], MUCH_WORSE, 0.01) == 0.0


def test_an_incident_that_hits_both_versions_is_no_evidence() -> None:
    calm, incident = Counts(0.05, 50, 0, 950, 0), Counts(0.05, 50, 30, 950, 570)

    assert log_more([calm, incident], 0.001, MUCH_WORSE) < 0


def test_a_larger_weight_in_a_bad_hour_is_no_evidence() -> None:
    """Pooled, the candidate would look twice as bad: most of its traffic is from the bad hour."""
    good, bad = Counts(0.05, 500, 1, 9500, 19), Counts(0.5, 5000, 200, 5000, 200)

    assert log_more([good, bad], 0.001, MUCH_WORSE) < 0


def test_a_long_healthy_past_does_not_hide_a_release_that_breaks_at_a_larger_weight() -> None:
    past, now = Counts(0.05, 5000, 25, 95_000, 475), Counts(0.25, 50, 12, 150, 1)

    assert log_more([past, now], 0.001, MUCH_WORSE) > math.log(1 / 0.0075)


def test_testers_who_opt_in_are_counted_by_the_share_that_was_seen() -> None:
    with_testers = Counts(0.05, 500, 10, 1000, 20)

    assert with_testers.share(at_least=True) == pytest.approx(1 / 3)
    assert with_testers.share(at_least=False) == 0.05
    assert log_more([with_testers], 0.0, WORSE) < 0
    assert Counts(0.0, 10, 0, 90, 0).share(at_least=True) == 0.1


def test_a_small_deviation_from_the_weight_is_chance() -> None:
    assert Counts(0.05, 4, 2, 46, 0).share(at_least=True) == 0.05


def test_fewer_is_proven_by_a_clean_record() -> None:
    assert log_fewer([Counts(0.05, 600, 0, 11_400, 2)], 0.01) > math.log(20)
    assert log_fewer([Counts(0.05, 600, 12, 11_400, 2)], 0.01) < 0


def test_looking_all_the_time_seldom_rejects_equal_streams() -> None:
    """Ville: in at most alpha of the streams is the evidence ever beyond 1/alpha."""
    draw, alpha, rejected = random.Random(20), 0.05, 0
    for _ in range(400):
        n1 = x1 = n0 = x0 = 0
        for request in range(600):
            event = draw.random() < 0.05 + 0.1 * (request % 200 < 50)
            if draw.random() < 0.2:
                n1, x1 = n1 + 1, x1 + event
            else:
                n0, x0 = n0 + 1, x0 + event
            if event and log_more([Counts(0.2, n1, x1, n0, x0)], 0.0, WORSE) >= -math.log(alpha):
                rejected += 1
                break
    assert rejected <= 0.05 * 400

"""Tests that may be looked at after every request: their error bounds hold at all times at once.

Each function returns the logarithm of an *e-value*: evidence against a null hypothesis, as the
factor by which somebody betting against it would have multiplied the stake. While the null is
true, that factor reaches 1/alpha at any time during a rollout with probability at most alpha
(Ville 1939); so one may look each half second and stop when one likes. `judge.py` is the caller.

The comparison of two versions rests on this: under a weight of s, each event (a failed answer, a
slow one) falls to the candidate with chance s if it is no worse, *whatever* the rate of events is
just then, so an incident or a diurnal rhythm that both versions share is no bias. The events'
sides are a sequence of coin flips, tested by a mixture over odds ratios.

Sources:
- M. Lindon, A. Malek: Anytime-valid inference for multinomial count data. NeurIPS 2022
  (time-inhomogeneous Bernoulli and Poisson counts, canaries as the application)
- H. Robbins: Statistical methods related to the law of the iterated logarithm. Annals of
  Mathematical Statistics 41, 1970 (mixtures of likelihood ratios)
- A. Ramdas, P. Grünwald, V. Vovk, G. Shafer: Game-theoretic statistics and safe anytime-valid
  inference. Statistical Science 38, 2023 (e-processes; averages of them are e-processes)
The margin's part (`_allowance`) is our own; its proof is in docs/decisions/0012-analysis.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Odds ratios to bet on, each with its part of the stake: 1 in all. Logarithms for speed."""

    odds: tuple[float, ...]
    stakes: tuple[float, ...]
    log_odds: tuple[float, ...]
    log_stakes: tuple[float, ...]


def mixture(*bets: tuple[float, float]) -> Mixture:
    """Of (odds ratio, part of the stake)."""
    odds = tuple(ratio for ratio, _ in bets)
    stakes = tuple(stake for _, stake in bets)
    return Mixture(odds, stakes, tuple(map(math.log, odds)), tuple(map(math.log, stakes)))


_WORSE = (1.3, 1.7, 2.2, 3.0, 4.0, 6.0, 9.0, 15.0, 40.0)
_BETTER = (0.001, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)

WORSE = mixture(*((odds, 1 / len(_WORSE)) for odds in _WORSE))
"""Bets on more events: from a third more to forty times as many."""
MUCH_WORSE = mixture(*((odds, 0.5 / len(_WORSE)) for odds in _WORSE), (10_000.0, 0.5))
"""Half of the stake on a release that is simply broken, so that two bad answers can suffice."""
BETTER = mixture(*((odds, 1 / len(_BETTER)) for odds in _BETTER))
"""Bets on fewer events than the null allows."""

FIRST_START = 0.8
"""The stake on "worse from the beginning"; the rest is for releases that turn bad later."""
OUT_OF_SHARE = 3.0
"""Standard deviations by which the traffic's share may differ from the weight by chance."""


@dataclass(frozen=True, slots=True)
class Counts:
    """One stratum: how many requests each version had under a weight, and in how many the event.

    `weight` is the candidate's chance to get a request, 0 to 1; 0 when only testers reach it.
    """

    weight: float
    candidate_requests: int
    candidate_events: int
    stable_requests: int
    stable_events: int

    def share(self, *, at_least: bool) -> float:
        """The candidate's share of the traffic, as it enters the test.

        The weight, unless the traffic shows clearly that it is larger (`at_least`; testers opting
        in, users that stick) or else smaller: whichever blames the candidate less.
        """
        total = self.candidate_requests + self.stable_requests
        if total == 0:
            return self.weight
        seen = self.candidate_requests / total
        if self.weight == 0.0:
            return seen
        chance = OUT_OF_SHARE * math.sqrt(self.weight * (1 - self.weight) / total) + 1 / total
        off = seen - self.weight if at_least else self.weight - seen
        return seen if off > chance else self.weight


def log_more(strata: Sequence[Counts], margin: float, bets: Mixture) -> float:
    """Against "the candidate's rate of events is at most the stable's plus `margin`".

    Bets are also placed on each stratum as the first in which that no longer holds, so that a long
    healthy past does not hide a release that turns bad at a larger weight. The rates may differ
    between strata and change within them. 0 is no evidence, less speaks for the null.
    """
    gained = bets.log_stakes
    grown: list[float] = []
    left = 1.0
    for start in range(len(strata) - 1, -1, -1):
        gains = _gains(strata[start], bets, margin, at_least=True)
        gained = tuple([so_far + gain for so_far, gain in zip(gained, gains, strict=True)])
        stake = _start(start)
        placed = math.log(stake)
        grown += [placed + gain for gain in gained]
        left -= stake
    return _log_sum([*grown, math.log(left)])


def log_fewer(strata: Sequence[Counts], margin: float) -> float:
    """Against "the candidate's rate of events is at least the stable's plus `margin`"."""
    gains = [_gains(stratum, BETTER, margin, at_least=False) for stratum in strata]
    return _log_sum([sum(bet) for bet in zip(BETTER.log_stakes, *gains, strict=True)])


def largest_margin(strata: Sequence[Counts], bets: Mixture, alpha: float) -> float:
    """By how much the candidate's rate exceeds the stable's at least; a time-uniform bound.

    The lower end of a confidence sequence at level 1 - `alpha`: the largest margin that is
    rejected, to a part in ten thousand (Howard et al.: Time-uniform, nonparametric, nonasymptotic
    confidence sequences. Annals of Statistics 49, 2021). 0 where none is.
    """
    rejected, kept = 0.0, 1.0
    while kept - rejected > 1e-4:
        middle = (rejected + kept) / 2
        if log_more(strata, middle, bets) >= -math.log(alpha):
            rejected = middle
        else:
            kept = middle
    return rejected


def log_above(events: int, requests: int, limit: float) -> float:
    """Against "the rate of events is at most `limit`": one version alone, a mixture SPRT."""
    gains = _coin(events, requests, limit, MUCH_WORSE)
    return _log_sum([sum(bet) for bet in zip(MUCH_WORSE.log_stakes, gains, strict=True)])


@lru_cache(maxsize=4096)
def _gains(stratum: Counts, bets: Mixture, margin: float, *, at_least: bool) -> tuple[float, ...]:
    """What each bet has gained in a stratum, as logarithms. Kept: closed strata never change."""
    share = stratum.share(at_least=at_least)
    events = stratum.candidate_events + stratum.stable_events
    won = _coin(stratum.candidate_events, events, share, bets)
    allowed = [_allowance(margin, odds / (1 + share * (odds - 1))) for odds in bets.odds]
    return tuple(
        [gain + stratum.candidate_requests * each for gain, each in zip(won, allowed, strict=True)]
    )


def _coin(heads: int, flips: int, chance: float, bets: Mixture) -> list[float]:
    """The log likelihood ratios of coins with so many times the odds of `chance`."""
    return [
        heads * log - flips * math.log1p(chance * (odds - 1))
        for odds, log in zip(bets.odds, bets.log_odds, strict=True)
    ]


def _allowance(margin: float, per_event: float) -> float:
    """What each candidate request costs a bet because the null allows a difference, as a log.

    `per_event` is the factor of a candidate's event. Chosen so that the stake's expectation does
    not grow under any pair of rates that differ by the margin.
    """
    edge = margin * (per_event - 1)
    if margin >= 0:
        return -math.log1p(edge)
    return math.log(per_event / (per_event + edge))


def _start(index: int) -> float:
    """The stake on stratum `index` being the first bad one; all of them sum to 1."""
    return FIRST_START if index == 0 else (1 - FIRST_START) / (index * (index + 1))


def _log_sum(logarithms: Sequence[float]) -> float:
    """The logarithm of the sum."""
    most = max(logarithms)
    return most + math.log(sum([math.exp(one - most) for one in logarithms]))

"""How much of an error budget is left, how fast it burns, and when somebody should know. Pure.

`store/` calls it with what was counted of the requests; the API, the console, the command line and
the control plane's alerts (`slo_alerts.py`) show what it says.

A promise is either that a share of the requests succeeds, or that a share of the answers is faster
than a threshold; both count *bad* among *valid* requests. What mesh or policy denied is not valid:
it was answered as it should be, and must neither use the budget nor hide that others fail.

The error budget is the share that may be bad: `1 - objective`. A burn rate of 1 uses it up exactly
at the window's end. Alerts follow "The Site Reliability Workbook", chapter 5, "6: Multiwindow,
Multi-Burn-Rate Alerts": a rule fires while both a long window (enough was lost to matter) and a
short one (it is still being lost) burn faster than its factor. The book's windows are for 30 days
and are scaled to the SLO's own, so that a rule stands for the same part of the budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from fairway.telemetry.config import Objective
from fairway.telemetry.histograms import step_bounds, step_of
from fairway.telemetry.port import BurnRate, SloStatus

Severity = Literal["warning", "critical"]
Kind = Literal["availability", "latency"]

SHORTEST: Final = 10.0
"""No window is shorter, in seconds: finer is not what requests are counted by."""
SHORTEST_LONG: Final = 60.0
"""No long window is shorter: below, an alert would be about a handful of requests."""
FEWEST_BAD: Final = 3
"""So many bad requests make an alert at least: one that failed is no trend."""
_OUTAGE: Final = 0.9
"""So large a share of bad requests fires every rule, also where the budget is so large that its
factor could never be reached."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The requests to a service that came in the `step` seconds from `at` on.

    `errors` are answers with 5xx and none at all, `denied` what mesh or policy refused; `requests`
    has both. `latency` counts answers in our own buckets (`histograms.step_of`).
    """

    at: float
    step: float
    service: str
    intent: str
    requests: int
    errors: int
    denied: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """The same as one promise sees it.

    Of `doubtful` answers it is only known that they took about as long as the threshold: the bucket
    that it cuts. They are taken to be spread evenly, as in every percentile that is shown.
    """

    at: float
    step: float
    valid: int = 0
    bad: int = 0
    doubtful: int = 0


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that is promised of a service. `objective` is a share, `threshold` in seconds.

    `intent` is empty for every request. A promise about latency has a threshold.
    """

    name: str
    service: str
    intent: str
    kind: Kind
    objective: float
    threshold: float | None
    window: float

    def concerns(self, counted: Counted) -> bool:
        """Whether these requests are among those it is about."""
        return self.service == counted.service and self.intent in ("", counted.intent)

    def measure(self, counted: Counted) -> Measured:
        """How many of the requests were valid, and not as promised."""
        valid = max(counted.requests - counted.denied, 0)
        if self.threshold is None:
            return Measured(counted.at, counted.step, valid, counted.errors)
        cut = step_of(self.threshold)
        bad = sum(count for bucket, count in counted.latency.items() if bucket > cut)
        return Measured(counted.at, counted.step, valid, bad, counted.latency.get(cut, 0))

    @property
    def doubt(self) -> float:
        """Which share of the doubtful answers is bad."""
        if self.threshold is None:
            return 0.0
        lower, upper = step_bounds(step_of(self.threshold))
        return min(max((upper - self.threshold) / (upper - lower), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Rule:
    """Alert while both windows (shares of the SLO's) burn faster than `factor`."""

    severity: Severity
    factor: float
    long: float
    short: float


_BOOK: Final = 30 * 86_400.0
RULES: Final = (
    Rule("critical", 14.4, 3_600 / _BOOK, 300 / _BOOK),
    Rule("critical", 6.0, 21_600 / _BOOK, 1_800 / _BOOK),
    Rule("warning", 1.0, 259_200 / _BOOK, 21_600 / _BOOK),
)
"""2 % of the budget in an hour, 5 % in six hours, 10 % in three days, of a window of 30 days."""


def promises(declared: Iterable[Objective]) -> tuple[Promise, ...]:
    """What each SLO promises, one by one: by name, availability first, then p95, then p99."""
    found = (promise for slo in declared for promise in _promises(slo))
    return tuple(sorted(found, key=lambda promise: promise.name))


def _promises(slo: Objective) -> Iterator[Promise]:
    what = (slo.name, slo.service, slo.intent or "")
    if slo.availability is not None:
        share = float(Decimal(repr(slo.availability)) / 100)  # 99.9 / 100 is not quite 0.999
        yield Promise(*what, "availability", share, None, slo.window)
    if slo.p95 is not None:
        yield Promise(*what, "latency", 0.95, slo.p95, slo.window)
    if slo.p99 is not None:
        yield Promise(*what, "latency", 0.99, slo.p99, slo.window)


def looks_back(found: Iterable[Promise]) -> float:
    """So many seconds before now the oldest requests came that matter; 0 without promises."""
    return max((promise.window for promise in found), default=0.0)


def statuses(
    found: Sequence[Promise], counted: Iterable[Counted], now: float
) -> tuple[SloStatus, ...]:
    """How each promise is kept, in their order."""
    entries = tuple(counted)
    return tuple(
        status(promise, (promise.measure(each) for each in entries if promise.concerns(each)), now)
        for promise in found
    )


def status(promise: Promise, measured: Iterable[Measured], now: float) -> SloStatus:
    """How a promise is kept.

    Entries may come in any order, with steps of any length, but no request in two of them. One that
    a window cuts counts whole: a window is as much longer as the steps are coarse.
    """
    tally = _Tally(promise)
    for entry in measured:
        tally.add(entry, now)
    return tally.status()


def summed(measured: Iterable[Measured], at: float, step: float) -> Measured:
    """Several entries as one of a longer step."""
    parts = tuple(measured)
    return Measured(
        at, step, sum(each.valid for each in parts), sum(each.bad for each in parts),
        sum(each.doubtful for each in parts),
    )  # fmt: skip


def windows(window: float, rule: Rule) -> tuple[float, float]:
    """The long and the short window of a rule for an SLO's `window`, in seconds."""
    long = max(rule.long * window, SHORTEST_LONG)
    short = max(rule.short * window, SHORTEST)
    return min(long, window), min(short, window)


class _Tally:
    """Counts of one promise: valid and bad requests of each window."""

    def __init__(self, promise: Promise) -> None:
        self._promise = promise
        sizes = {size for rule in RULES for size in windows(promise.window, rule)}
        self._valid = dict.fromkeys(sorted({*sizes, promise.window}, reverse=True), 0)
        self._found = dict.fromkeys(self._valid, 0)
        self._doubtful = dict.fromkeys(self._valid, 0)

    def add(self, entry: Measured, now: float) -> None:
        age = now - (entry.at + entry.step)
        if entry.at > now:
            return
        for window in self._valid:  # most entries are old: the longest window first, then out
            if age >= window:
                break
            self._valid[window] += entry.valid
            self._found[window] += entry.bad
            self._doubtful[window] += entry.doubtful

    def status(self) -> SloStatus:
        promise, window = self._promise, self._promise.window
        valid, bad = self._valid[window], self._bad(window)
        rule = next((rule for rule in RULES if self._fires(rule)), None)
        sizes = sorted({size for each in RULES for size in windows(window, each)})
        left = 1.0 - self._burn(window)
        return SloStatus(
            name=promise.name,
            service=promise.service,
            intent=promise.intent,
            kind=promise.kind,
            objective=promise.objective,
            threshold=promise.threshold,
            window=window,
            requests=valid,
            bad=bad,
            budget_left=left,
            burn=tuple(BurnRate(size, self._burn(size)) for size in sizes),
            alert=rule.severity if rule else "",
            words=self._alarm(rule, left) if rule else self._calm(left),
        )

    def _bad(self, window: float) -> int:
        bad = self._found[window] + round(self._doubtful[window] * self._promise.doubt)
        return min(bad, self._valid[window])

    def _burn(self, window: float) -> float:
        """The share that is bad, as a multiple of the share that may be; 0 without requests."""
        valid = self._valid[window]
        return self._bad(window) / valid / (1.0 - self._promise.objective) if valid else 0.0

    def _fires(self, rule: Rule) -> bool:
        long, short = windows(self._promise.window, rule)
        reachable = max(_OUTAGE / (1.0 - self._promise.objective), 1.0)
        factor = min(rule.factor, reachable)
        enough = self._bad(long) >= FEWEST_BAD
        return enough and self._burn(long) > factor and self._burn(short) > factor

    def _calm(self, left: float) -> str:
        valid, window = self._valid[self._promise.window], about(self._promise.window)
        if not valid:
            return f"no request in {window}: the error budget is whole"
        share = self._bad(self._promise.window) / valid
        return f"{self._seen(share, valid, window)}; {_budget(left)}"

    def _alarm(self, rule: Rule, left: float) -> str:
        long, _ = windows(self._promise.window, rule)
        valid, burn = self._valid[long], self._burn(long)
        seen = self._seen(self._bad(long) / valid, valid, about(long))
        outlook = _budget(left)
        if left > 0:
            outlook += f", at this rate for {about(left * self._promise.window / burn)}"
        return f"{seen}, {_digits(burn)} times what is allowed; {outlook}"

    def _seen(self, share: float, valid: int, window: str) -> str:
        promise = self._promise
        if promise.threshold is None:
            what, allowed = "failed", f"{_percent(promise.objective)} promised to succeed"
        else:
            slow = promise.threshold
            limit = f"{slow * 1000:g}ms" if slow < 1 else f"{slow:g}s"
            what = f"took longer than {limit}"
            allowed = f"{_percent(promise.objective)} promised to be faster"
        requests = "1 request" if valid == 1 else f"{valid} requests"
        return f"{_percent(share)} of {requests} in {window} {what} ({allowed})"


def _budget(left: float) -> str:
    if left <= 0:
        return "the error budget is used up"
    return f"{_percent(left)} of the error budget is left"


def _percent(share: float) -> str:
    return f"{_digits(100 * share)} %"


def _digits(value: float) -> str:
    """As many digits as say something: 0.012, 3.4, 99.95, 120."""
    if value < 1:
        return f"{value:.2g}"
    return f"{value:.0f}" if value > 100 else f"{value:.4g}"


def about(seconds: float) -> str:
    """A time span in its largest unit: `30 d`, `1.5 h`, `12 min`, `9 s`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and unit != "d"):
            return f"{_digits(round(seconds / size, 1))} {unit}"
    return f"{seconds:.0f} s"

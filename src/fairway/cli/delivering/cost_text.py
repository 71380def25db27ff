"""An estimate of cost on a terminal: what a month costs, for whom, for what; what is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fairway.cli.output import Painter, table
from fairway.plan.preview import MonthlyCost

if TYPE_CHECKING:
    from fairway.targets.aws.cost.estimate import CostLine, Estimate

_NEAR = 0.8
"""From this share of the budget on it is shown in yellow."""

ALONGSIDE = (
    "what `fairway bootstrap` makes: the control plane (its tasks, database and load balancer), "
    "the registry (images), the account (state, audit trail, keys)"
)
BY_METRIC = "custom metrics and Container Insights; support"


def dollars(amount: float) -> str:
    """US dollars with cents, thousands apart."""
    return f"$ {amount:,.2f}"


def cost_lines(
    environment: str, found: Estimate, budget: float | None, paint: Painter, *, details: bool
) -> Iterator[str]:
    """The total against the budget, then by service or line by line, then what is left out."""
    total = f"{'at least ' if found.at_least else ''}{dollars(found.monthly)} a month"
    without = f", without {' and '.join(found.missing)}" if found.missing else ""
    yield paint.bold(f"{environment}: {total}{without}") + _of_budget(found.monthly, budget, paint)
    yield ""
    yield _detailed(found, paint) if details else _by_subject(found, paint)
    yield ""
    yield paint.dim(_basis(found))
    yield from (paint.yellow(f"not in it: {each}") for each in left_out(found))


def left_out(found: Estimate) -> Iterator[str]:
    """All that the total leaves out."""
    yield from (f"the region {region}: no plan of it was given" for region in found.missing)
    yield from found.unpriced
    if found.unassumed:
        yield f"by use, nothing assumed: {_by_use(found)}"
    yield ALONGSIDE
    yield BY_METRIC


def _by_use(found: Estimate) -> str:
    keys: dict[str, list[str]] = defaultdict(list)
    for subject, key in sorted(found.unassumed):
        keys[subject].append(key)
    return "; ".join(f"{subject} ({', '.join(each)})" for subject, each in keys.items())


def change_lines(costs: tuple[MonthlyCost, ...], budget: float | None) -> Iterator[str]:
    """What a plan changes in a month's bill: every subject whose cost changes, and the total."""
    before, after = sum(c.before for c in costs), sum(c.after for c in costs)
    changed = [c for c in costs if abs(c.after - c.before) >= 0.005]
    if not costs:
        return
    yield f"cost      {dollars(before)} → {dollars(after)} a month ({_signed(after - before)})"
    width = max((len(c.subject) for c in changed), default=0)
    for c in changed:
        yield f"          {c.subject:{width}}  {_signed(c.after - c.before)}"
    if budget is not None and after > budget:
        yield f"          over the budget of {dollars(budget)} by {dollars(after - budget)}"


def _signed(amount: float) -> str:
    return f"{'+' if amount >= 0 else '-'}{dollars(abs(amount))}"


def _of_budget(monthly: float, budget: float | None, paint: Painter) -> str:
    if budget is None:
        return ""
    share = monthly / budget
    words = f"  ({share:.0%} of the budget of {dollars(budget)})"
    if share > 1:
        return paint.red(words)
    return paint.yellow(words) if share >= _NEAR else paint.green(words)


def _by_subject(found: Estimate, paint: Painter) -> str:
    regions = sorted({line.region for line in found.lines})
    rows = [
        [name, *(dollars(_sum(found, name, region)) for region in regions), dollars(total)]
        for name, total in found.by_subject.items()
    ]
    return table(["OF", *(region.upper() for region in regions), "A MONTH"], rows, paint)


def _sum(found: Estimate, subject: str, region: str) -> float:
    return sum(
        line.monthly for line in found.lines if (line.subject, line.region) == (subject, region)
    )


def _detailed(found: Estimate, paint: Painter) -> str:
    order = list(found.by_subject)
    lines = sorted(found.lines, key=lambda line: (order.index(line.subject), -line.monthly))
    headers = ["OF", "WHAT", "HOW MUCH", "PRICE", "A MONTH", "REGION", "RESOURCE"]
    return table(headers, [_row(line) for line in lines], paint)


def _row(line: CostLine) -> list[str]:
    what = f"{line.what} (assumed)" if line.assumed else line.what
    amount = f"{line.quantity:,.6g} {line.price.unit}"
    price = f"$ {line.price.value:g}"
    return [line.subject, what, amount, price, dollars(line.monthly), line.region, line.address]


def _basis(found: Estimate) -> str:
    if found.oldest_price is None:
        return "nothing here has a price"
    return (
        f"list prices, the oldest as of {found.oldest_price}; without taxes, discounts and free "
        "allowances; use as the app file assumes it (cost.usage)"
    )

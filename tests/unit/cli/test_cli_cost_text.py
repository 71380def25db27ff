"""What people read about money: totals, the budget, what is left out."""

from __future__ import annotations

from datetime import date

import pytest

from fairway.cli.delivering.cost_text import change_lines, cost_lines
from fairway.cli.output import Painter
from fairway.plan.preview import MonthlyCost
from fairway.targets.aws.cost.estimate import CostLine, Estimate
from fairway.targets.aws.cost.prices import Price

PLAIN = Painter(colourful=False)
HOUR = Price(0.05, "hour", "https://aws.amazon.com/x", date(2026, 7, 7))


def line(subject: str, monthly: float, region: str = "eu-west-1") -> CostLine:
    return CostLine(region, subject, f"x.{subject}", "thing", monthly / 0.05, HOUR, monthly, False)


FOUND = Estimate(
    (line("orbit", 1200.5), line("axon", 30), line("orbit", 10, "us-east-1")), ("a thing",)
)


def test_the_dearest_comes_first_and_regions_stand_apart() -> None:
    text = "\n".join(cost_lines("prod", FOUND, None, PLAIN, details=False))
    assert text.splitlines()[0] == "prod: at least $ 1,240.50 a month"
    assert text.splitlines()[2].split() == ["OF", "EU-WEST-1", "US-EAST-1", "A", "MONTH"]
    assert text.index("orbit") < text.index("axon")
    assert "2026-07-07" in text
    assert "not in it: a thing" in text


@pytest.mark.parametrize(
    ("budget", "words"),
    [(2481.0, "50% of the budget"), (1240.5, "100% of the budget"), (620.25, "200% of the budget")],
)
def test_it_is_compared_with_the_budget(budget: float, words: str) -> None:
    assert words in next(cost_lines("prod", FOUND, budget, PLAIN, details=False))


def test_what_is_left_out_is_named() -> None:
    found = Estimate(
        unassumed=frozenset({("site", "requests"), ("environment", "logs")}), missing=("eu-west-1",)
    )
    text = "\n".join(cost_lines("prod", found, None, PLAIN, details=False))
    assert text.splitlines()[0] == "prod: at least $ 0.00 a month, without eu-west-1"
    assert "by use, nothing assumed: environment (logs); site (requests)" in text
    assert "control plane" in text
    assert "Container Insights" in text


def test_every_line_says_how_it_came_about() -> None:
    text = "\n".join(cost_lines("prod", FOUND, None, PLAIN, details=True))
    assert "24,010 hour" in text
    assert "$ 0.05" in text
    assert "x.axon" in text


def test_a_plan_says_what_it_changes_and_when_it_is_too_much() -> None:
    costs = (MonthlyCost("orbit", 10, 30), MonthlyCost("axon", 5, 5))
    lines = list(change_lines(costs, budget=25))
    assert lines[0] == "cost      $ 15.00 → $ 35.00 a month (+$ 20.00)"
    assert lines[1].split() == ["orbit", "+$", "20.00"]
    assert "axon" not in "".join(lines)
    assert "over the budget of $ 25.00 by $ 10.00" in lines[-1]


def test_no_costs_no_lines() -> None:
    assert list(change_lines((), None)) == []

"""What is made for the first time, as lines by area: network, database, permissions. Pure.

`fairway bootstrap --plan` shows it. A first plan is a hundred resources that nobody reads one by
one; what changes, goes or is replaced is still named with its reasons.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from fairway.plan.describe_preview import describe_preview
from fairway.plan.preview import Preview, ResourceChange

_AREAS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("permissions", ("iam_",)),
    ("keys", ("kms_",)),
    ("secrets", ("secretsmanager_", "ssm_")),
    ("database", ("db_", "rds_")),
    ("tables", ("dynamodb_",)),
    ("buckets", ("s3_",)),
    ("images", ("ecr_",)),
    ("tasks", ("ecs_", "appautoscaling_", "service_discovery_")),
    ("way in", ("lb", "acm_", "route53_", "wafv2_")),
    ("logs and alarms", ("cloudwatch_", "sns_", "flow_log")),
    ("costs", ("budgets_", "ce_")),
    (
        "network",
        (
            *("vpc", "subnet", "route", "internet_", "nat_", "eip", "security_group"),
            *("network_", "default_"),
        ),
    ),
)
"""Areas with the beginnings of their kinds; the first that fits counts."""
_OTHER = "other"
_WIDTH = 100
_INDENT = 28


def by_area(changes: Sequence[ResourceChange]) -> Iterator[str]:
    """A line for each area with the kinds in it, the largest first; then what was there before."""
    areas: dict[str, Counter[str]] = {}
    for each in changes:
        if each.action == "create":
            areas.setdefault(area_of(each.kind), Counter())[each.kind.removeprefix("aws_")] += 1
    for area, kinds in sorted(areas.items(), key=lambda item: (-item[1].total(), item[0])):
        yield from _line(area, kinds)
    there = tuple(each for each in changes if each.action != "create")
    yield from describe_preview(Preview(there))[1:]


def area_of(kind: str) -> str:
    """The area of a type of the provider, as `aws_vpc_endpoint`."""
    name = kind.removeprefix("aws_")
    return next((area for area, begins in _AREAS if name.startswith(begins)), _OTHER)


def _line(area: str, kinds: Counter[str]) -> Iterator[str]:
    named = (
        f"{count} {kind}" if count > 1 else kind
        for kind, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    )
    yield from textwrap.wrap(
        ", ".join(named),
        _WIDTH,
        initial_indent=f"  + {area:17}{kinds.total():4}  ",
        subsequent_indent=" " * _INDENT,
        break_on_hyphens=False,
    )

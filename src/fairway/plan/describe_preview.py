"""What a plan does below the services as lines that people read: resources, then money. Pure.

The plan on a terminal ends with it. Creations are many and alike, so that they are counted, over
all regions; what changes, goes, or is replaced is named with its reasons.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from fairway.plan.preview import MonthlyCost, Preview, ResourceAction, ResourceChange

SIGNS: dict[ResourceAction, str] = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
_VERBS: dict[ResourceAction, str] = {
    "create": "to create", "update": "to change", "replace": "to replace", "delete": "to remove",
}  # fmt: skip
_OWN_MODULE = re.compile(r'^module\.[\w-]+\["[^"]+"\]\.')
SHARED = "environment"
"""How what belongs to no single service is called; it comes after the services."""
_MOST_KINDS = 14
"""Of more kinds than these only the areas are counted: nobody reads sixty names."""
_WIDTH = 100


def describe_preview(preview: Preview) -> tuple[str, ...]:
    """Resources by service, warnings, then costs and the budget; nothing for an empty one."""
    return (
        *_resources(preview.resources),
        *(f"  ! {warning}" for warning in preview.warnings),
        *_costs(preview),
    )


def counted(resources: Sequence[ResourceChange]) -> str:
    """`3 to create, 1 to replace`."""
    numbers = Counter(each.action for each in resources)
    return ", ".join(
        f"{numbers[action]} {verb}" for action, verb in _VERBS.items() if numbers[action]
    )


def _resources(resources: Sequence[ResourceChange]) -> Iterator[str]:
    if not resources:
        return
    yield f"  resources: {counted(resources)}"
    ordered = sorted(resources, key=lambda each: (not each.service, each.service))
    for service, group in groupby(ordered, key=lambda each: each.service):
        yield f"    {service or SHARED}"
        yield from _of_one(tuple(group))


def _of_one(resources: Sequence[ResourceChange]) -> Iterator[str]:
    created = Counter(each.kind for each in resources if each.action == "create")
    if created:
        yield from textwrap.wrap(
            _created(created), _WIDTH, initial_indent="      + ", subsequent_indent=" " * 8
        )
    for each in resources:
        if each.action != "create":
            mark = "  DESTRUCTIVE" if each.destructive else ""
            yield f"      {SIGNS[each.action]} {_OWN_MODULE.sub('', each.address)}{mark}"
            yield from (f"          {reason}" for reason in each.reasons)


def _created(kinds: Counter[str]) -> str:
    if len(kinds) <= _MOST_KINDS:
        found = kinds
        begin = ""
    else:
        found = Counter()
        for kind, count in kinds.items():
            found[kind.removeprefix("aws_").partition("_")[0]] += count
        begin = f"{kinds.total()} resources: "
    named = sorted(found.items())
    return begin + ", ".join(f"{count} {name}" if count > 1 else name for name, count in named)


def _costs(preview: Preview) -> Iterator[str]:
    if not preview.costs and preview.budget is None:
        return
    yield "  cost, US dollars a month"
    changed = [each for each in preview.costs if round(each.after - each.before, 2)]
    before, after = (sum(getattr(each, side) for each in preview.costs) for side in _SIDES)
    lines = [*changed, MonthlyCost("in all", before, after)]
    width = max(len(each.subject) for each in lines)
    for each in lines:
        yield f"    {each.subject:{width}}  {_difference(each)}"
    if preview.budget is not None:
        over = after - preview.budget
        share = f"exceeded by {over:,.2f}" if over > 0 else f"{-over:,.2f} left"
        yield f"    {'budget':{width}}  {preview.budget:,.2f}: {share}"


_SIDES = ("before", "after")


def _difference(cost: MonthlyCost) -> str:
    difference = round(cost.after - cost.before, 2)
    if not difference:
        return f"{cost.after:,.2f}"
    return f"{cost.before:,.2f} → {cost.after:,.2f} ({difference:+,.2f})"

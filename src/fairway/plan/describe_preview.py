"""What a plan does below the services as lines that people read: resources, then money. Pure.

The plan on a terminal ends with it. Creations are many and alike, so that they are counted, over
all regions, and so are many alike changes; what else changes, goes, or is replaced is named with
its reasons.
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
_MOST_ALIKE = 3
"""Of more changes than these to resources of one kind only the attributes are told."""
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
    there = [each for each in resources if each.action != "create"]
    kinds = Counter(each.kind for each in there if _harmless(each))
    for kind, count in sorted(kinds.items()):
        if count > _MOST_ALIKE:
            yield f"      ~ {count} {kind}: {_attributes(there, kind)}"
    yield from _named(
        [each for each in there if not _harmless(each) or kinds[each.kind] <= _MOST_ALIKE]
    )


def _harmless(change: ResourceChange) -> bool:
    return change.action == "update" and not change.destructive


def _attributes(changes: Sequence[ResourceChange], kind: str) -> str:
    reasons = (reason for each in changes if each.kind == kind for reason in each.reasons)
    return ", ".join(sorted({reason.partition(":")[0].partition(".")[0] for reason in reasons}))


def _named(changes: Sequence[ResourceChange]) -> Iterator[str]:
    """Each once, with its regions and the reasons in the first of them."""
    found: dict[tuple[str, ResourceAction, bool], list[tuple[str, ResourceChange]]] = {}
    for each in changes:
        region, _, address = each.address.rpartition(": ")
        found.setdefault((address, each.action, each.destructive), []).append((region, each))
    for (address, action, destructive), alike in found.items():
        regions = ", ".join(region for region, _ in alike if region)
        where = f"  in {regions}" if regions else ""
        mark = "  DESTRUCTIVE" if destructive else ""
        yield f"      {SIGNS[action]} {_OWN_MODULE.sub('', address)}{where}{mark}"
        yield from (f"          {reason}" for reason in alike[0][1].reasons)


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

"""From a plan of Terraform to what a month costs, line by line. Pure.

Called for `fairway cost` and for the preview of every plan. It prices what it knows and says what
it does not know: an estimate that leaves something out says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fairway.plan.preview import MonthlyCost
from fairway.targets.aws.cost.items import Context, Item
from fairway.targets.aws.cost.planned import Resource, planned, present
from fairway.targets.aws.cost.prices import Price, Prices
from fairway.targets.aws.cost.pricing import BY_USE, FREE_PREFIXES, PRICERS
from fairway.targets.aws.cost.usage import Usage


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the bill: `quantity` × `price` = `monthly` US dollars.

    `assumed` says that the quantity comes from the app file's assumptions, not from the plan.
    """

    region: str
    subject: str
    address: str
    what: str
    quantity: float
    price: Price
    monthly: float
    assumed: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """A month in US dollars.

    `unpriced` are things without a price here, in words; `unassumed` are (subject, key) of what is
    billed by a use of which the app file says nothing; `missing` are regions not looked at.
    """

    lines: tuple[CostLine, ...] = ()
    unpriced: tuple[str, ...] = ()
    unassumed: frozenset[tuple[str, str]] = frozenset()
    missing: tuple[str, ...] = ()

    @property
    def at_least(self) -> bool:
        """Whether it will cost more, as something that is there has no price."""
        return bool(self.unpriced or self.missing)

    @property
    def monthly(self) -> float:
        """All lines together."""
        return sum(line.monthly for line in self.lines)

    @property
    def by_subject(self) -> dict[str, float]:
        """US dollars by service, store, topic or `environment`; the dearest first."""
        totals: dict[str, float] = defaultdict(float)
        for line in self.lines:
            totals[line.subject] += line.monthly
        return dict(sorted(totals.items(), key=lambda each: (-each[1], each[0])))

    @property
    def oldest_price(self) -> date | None:
        """The day of the oldest price that was used."""
        return min((line.price.as_of for line in self.lines), default=None)

    def plus(self, other: Estimate) -> Estimate:
        """Both together: of two regions."""
        return Estimate(
            self.lines + other.lines,
            tuple(sorted({*self.unpriced, *other.unpriced})),
            self.unassumed | other.unassumed,
            tuple(sorted({*self.missing, *other.missing})),
        )


@dataclass(frozen=True, slots=True)
class Basis:
    """What an estimate of one region rests on.

    `subjects` are services, stores and topics. `leaving` are (service, version) pairs that run only
    until a deployment is over: nobody pays for them in a month. `disks` are the GB of databases by
    store: the plan of a replica does not say how large it is. `public` are services that answer
    the internet.
    """

    region: str
    usage: Usage
    prices: Prices
    subjects: Collection[str]
    leaving: Collection[tuple[str, str]] = ()
    disks: Mapping[str, float] = field(default_factory=dict)
    public: Collection[str] = ()


def estimate_planned(plan: Mapping[str, Any], basis: Basis) -> Estimate:
    """What it will cost when the plan is applied; `plan` is `terraform show -json` of it."""
    return estimate(planned(plan, basis.subjects), basis)


def estimate_present(plan: Mapping[str, Any], basis: Basis) -> Estimate:
    """What it costs as it is."""
    return estimate(present(plan, basis.subjects), basis)


def estimate(resources: Iterable[Resource], basis: Basis) -> Estimate:
    """The bill for some resources."""
    found = tuple(r for r in resources if (r.subject, r.key) not in basis.leaving)
    spot = basis.prices.find("fargate-spot-share", basis.region)
    context = Context(basis.usage, _siblings(found), spot.value if spot else 1.0, basis.disks)
    lines: list[CostLine] = []
    unpriced: set[str] = set()
    unassumed = {
        (service, key)
        for service in basis.public
        for key in ("requests", "response")
        if not basis.usage.says(service, key)
    }
    for resource in found:
        unassumed.update(_unassumed(resource, basis.usage))
        for item in _items(resource, context, unpriced):
            price = basis.prices.find(item.price, basis.region)
            if price is None:
                unpriced.add(f"{item.price} in {basis.region}")
            else:
                lines.append(_line(resource, item, price, basis.region))
    return Estimate(tuple(lines), tuple(sorted(unpriced)), frozenset(unassumed))


def differences(before: Estimate, after: Estimate) -> tuple[MonthlyCost, ...]:
    """Before and after by subject, the dearest first."""
    old, new = before.by_subject, after.by_subject
    subjects = sorted(old.keys() | new.keys(), key=lambda name: (-new.get(name, 0.0), name))
    return tuple(MonthlyCost(name, old.get(name, 0.0), new.get(name, 0.0)) for name in subjects)


def _siblings(resources: tuple[Resource, ...]) -> dict[tuple[str, str], tuple[Resource, ...]]:
    found: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for resource in resources:
        found[resource.module, resource.kind].append(resource)
    return {key: tuple(each) for key, each in found.items()}


def _items(resource: Resource, context: Context, unpriced: set[str]) -> Iterator[Item]:
    pricer = PRICERS.get(resource.kind)
    if pricer is not None:
        yield from pricer(resource, context)
    elif resource.kind not in BY_USE and not resource.kind.startswith(FREE_PREFIXES):
        unpriced.add(resource.kind)


def _unassumed(resource: Resource, usage: Usage) -> Iterator[tuple[str, str]]:
    """What it is billed for by use, where nobody says how much that will be."""
    for key in BY_USE.get(resource.kind, ()):
        if not usage.says(resource.subject, key):
            yield resource.subject, key


def _line(resource: Resource, item: Item, price: Price, region: str) -> CostLine:
    return CostLine(
        region=region,
        subject=resource.subject,
        address=resource.address,
        what=item.what,
        quantity=item.quantity,
        price=price,
        monthly=item.quantity * price.value * item.factor,
        assumed=item.assumed,
    )

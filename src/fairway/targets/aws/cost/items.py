"""What a pricer says of a resource: so much of something, by the name of its price. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from fairway.targets.aws.cost.planned import Resource
from fairway.targets.aws.cost.usage import Usage


@dataclass(frozen=True, slots=True)
class Item:
    """`quantity` units of `price` in a month, in words for people. `factor` is a share of it."""

    what: str
    quantity: float
    price: str
    factor: float = 1.0
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What pricing one resource may need of the others.

    `siblings` are the resources of a module by (module, kind). `spot_share` is what capacity that
    may be taken back costs, as a share of the full price. `disks` are the GB of databases by store.
    """

    usage: Usage
    siblings: Mapping[tuple[str, str], tuple[Resource, ...]]
    spot_share: float = 1.0
    disks: Mapping[str, float] = field(default_factory=dict)

    def beside(self, resource: Resource, kind: str) -> tuple[Resource, ...]:
        """The resources of a kind in the same module."""
        return self.siblings.get((resource.module, kind), ())


Pricer = Callable[[Resource, Context], Iterable[Item]]

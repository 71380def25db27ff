"""What an apply is busy with, in words, for whoever follows a deployment: creating takes minutes.

`provisioning.py` fills it in, the delivery reads it. Nothing is kept: it is of this moment only.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairway.targets.aws.terraform.messages import Progress


@dataclass(slots=True)
class _Region:
    """How far one region is. `going` are its resources under way, by address."""

    total: int
    done: int
    going: dict[str, Progress]


class Busy:
    """What Terraform does in each region just now."""

    def __init__(self) -> None:
        self._regions: dict[str, _Region] = {}

    @property
    def words(self) -> str:
        """`eu-central-1: 31 of 240 resources, creating aws_lb of load_balancer … 40 s`."""
        return "; ".join(_words(name, found) for name, found in sorted(self._regions.items()))

    def begin(self, region: str, total: int) -> None:
        """An apply begins that changes so many resources; 0: it is still being planned."""
        self._regions[region] = _Region(total, 0, {})

    def hear(self, region: str, progress: Progress) -> None:
        """A resource went on."""
        found = self._regions.get(region)
        if found is None or progress.action == "read":
            return
        if progress.state in ("begun", "going"):
            found.going[progress.address] = progress
        elif found.going.pop(progress.address, None) is not None:
            found.done += 1

    def end(self, region: str) -> None:
        """It is over, however it ended."""
        self._regions.pop(region, None)


def _words(region: str, found: _Region) -> str:
    if not found.total:
        return f"{region}: Terraform looks at what is there"
    counted = f"{region}: {found.done} of {found.total} resources"
    slowest = max(found.going.values(), key=lambda each: each.seconds, default=None)
    return f"{counted}, {slowest.words}" if slowest is not None else counted

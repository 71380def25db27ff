"""What a task on Fargate is given: the sizes that exist, and what fits into them. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
(processor units of 1/1024 vCPU, memory in MiB).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from fairway.model.services import Resources

_GIB = 1024
_STEPS: tuple[tuple[int, int, int, int], ...] = (
    (512, 1 * _GIB, 4 * _GIB, _GIB),
    (1024, 2 * _GIB, 8 * _GIB, _GIB),
    (2048, 4 * _GIB, 16 * _GIB, _GIB),
    (4096, 8 * _GIB, 30 * _GIB, _GIB),
    (8192, 16 * _GIB, 60 * _GIB, 4 * _GIB),
    (16384, 32 * _GIB, 120 * _GIB, 8 * _GIB),
)
"""Units, least memory, most memory, and the step between; 256 units have sizes of their own."""


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """Processor units (1024 are one vCPU) and MiB of memory."""

    cpu: int
    memory: int


SIDECAR = Size(64, 192)
"""Envoy (70 MiB resident) and the agent beside it, at the request rates of a small task."""

COLLECTOR = Size(32, 128)
"""The collector of traces and metrics."""

LARGEST = Size(_STEPS[-1][0], _STEPS[-1][2])


def wanted(resources: Resources) -> Size:
    """What the app's own container asks for."""
    return Size(ceil(resources.cpu * 1024), ceil(resources.memory / 2**20))


def task_size(resources: Resources, *, sidecar: bool, collector: bool) -> Size:
    """The smallest size of Fargate with room for the app and what runs beside it.

    The largest one where nothing has room: the check of the app file warns of it.
    """
    parts = [
        wanted(resources),
        *([SIDECAR] if sidecar else []),
        *([COLLECTOR] if collector else []),
    ]
    # Both are divided among the containers of a task. What is declared is what the app gets, so
    # the others come on top, and what rounding up adds is the app's as well.
    need = Size(sum(part.cpu for part in parts), sum(part.memory for part in parts))
    return next((size for size in _sizes() if _fits(need, size)), LARGEST)


def _fits(need: Size, size: Size) -> bool:
    return need.cpu <= size.cpu and need.memory <= size.memory


def _sizes() -> Iterator[Size]:
    yield from (Size(256, memory) for memory in (512, 1 * _GIB, 2 * _GIB))
    for cpu, least, most, step in _STEPS:
        yield from (Size(cpu, memory) for memory in range(least, most + 1, step))

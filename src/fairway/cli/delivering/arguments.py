"""Arguments that the delivery commands share, and what they are when they are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from fairway.cli.invocation import Invocation, current
from fairway.errors import InvalidInput

EnvironmentName = Annotated[
    str, typer.Argument(metavar="[ENV]", help="The environment; absent: that of --env.")
]
DeploymentId = Annotated[
    str,
    typer.Argument(
        metavar="[ID]", help="A deployment, or a unique beginning; absent: the one under way."
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the history.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_RELEASE = re.compile(r"r?([1-9][0-9]{0,8})")


def about(context: typer.Context, environment: str) -> Invocation:
    """The invocation of a command that takes its environment as an argument as well."""
    invocation = current(context)
    if environment:
        invocation.environment = environment
    return invocation


def about_releases(
    context: typer.Context, given: Sequence[str], least: int, most: int
) -> tuple[Invocation, tuple[int, ...]]:
    """`local 3 7`, `3 7`, `r3 r7`: an environment, if there is one, and release numbers.

    Raises InvalidInput unless there are between `least` and `most` numbers.
    """
    first, *rest = given or ("",)
    named = bool(first) and _RELEASE.fullmatch(first) is None
    numbers = [_release(text) for text in (rest if named else given)]
    if not least <= len(numbers) <= most:
        wanted = " ".join("AB"[:most]) if most > 1 else "N"
        raise InvalidInput(
            "release-numbers",
            f"{len(numbers)} release numbers were given",
            where=f"[ENV] {wanted}",
            remedy="see `fairway history` for the numbers",
        )
    return about(context, first if named else ""), tuple(numbers)


def _release(text: str) -> int:
    found = _RELEASE.fullmatch(text)
    if found is not None:
        return int(found[1])
    raise InvalidInput(
        "invalid-release",
        f"{text!r} is not the number of a release",
        remedy="write 7 or r7; `fairway history` lists them",
    )


def needs_reason(reason: str, why: str) -> str:
    """The reason; raises InvalidInput when there is none and `why` there must be one."""
    if reason.strip():
        return reason
    raise InvalidInput("no-reason", why, where="--reason", remedy='add --reason "…"')

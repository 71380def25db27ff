"""What `render` and `eject` share: which environment is meant, and its files on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from fairway.cli.invocation import Invocation
from fairway.cli.output import note
from fairway.cli.place import workspace_of
from fairway.errors import FairwayError, InvalidInput, NotFound
from fairway.model.views import environment_view
from fairway.targets.aws.place import Place
from fairway.targets.aws.rendering import roots, tree
from fairway.targets.aws.standing.record import Record
from fairway.targets.aws.standing.state import Standing


def declared_standing(invocation: Invocation) -> Standing:
    """The environment as the app file declares it; InvalidInput for one that is not on AWS."""
    name = invocation.environment
    app = environment_view(workspace_of(invocation).loaded.app, name)
    target = app.environments[name].target
    if target != "aws-ecs":
        raise InvalidInput(
            "not-on-aws",
            f"the environment '{name}' has the target {target}, which has no Terraform",
            where=f"environments.{name}.target",
            remedy="name an environment with target: aws-ecs",
        )
    return Standing(name, app.model_dump(mode="json", by_alias=True, exclude_none=True))


def present_standing(declared: Standing, place: Place) -> Standing:
    """What the environment's record says, or what is declared before the first deployment.

    Raises Refused for another account, and whatever else keeps the record from being read.
    """
    try:
        kept = asyncio.run(Record(place).read())
    except NotFound as error:
        note(f"nothing was deployed yet ({error.message}): the app file decides")
        return declared
    except FairwayError as error:
        remedy = f"{error.remedy}; or --offline, by the app file alone".removeprefix("; or ")
        raise type(error)(error.code, error.message, where=error.where, remedy=remedy) from error
    return kept if kept.app else declared


def written(
    standing: Standing,
    folder: Path,
    where: tree.Where,
    *,
    wheels: bool,
    beside: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Write the tree, and `beside` it; its paths.

    Unavailable when packages cannot be installed, Refused for a folder that is not `where`.
    """
    tree.check_place(folder, where)
    texts = {**roots.rendered(standing), **(beside or {})}
    archives = tree.archives(wheels=wheels)
    tree.write_tree(folder, texts, archives, where)
    return tuple(sorted({*texts, *archives}))

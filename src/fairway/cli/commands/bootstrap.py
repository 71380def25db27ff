"""`fairway bootstrap`: what an environment on AWS needs before its first deployment.

Once for an environment, by somebody who may make roles and keys in its account; again whenever one
likes, also after an interruption.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from fairway.cli.bootstrapping import Outcome, ended_lines, look_lines, outcome_json
from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.output import note, painter, say, say_json
from fairway.cli.place import find_app_file
from fairway.cli.rendered import declared_standing

if TYPE_CHECKING:
    from fairway.cli.invocation import Invocation
    from fairway.targets.aws.bootstrap import Bootstrap
    from fairway.targets.aws.images.pushing import Images
    from fairway.targets.aws.place import Place
    from fairway.targets.aws.standing.state import Standing
    from fairway.targets.aws.terraform.messages import Progress
    from fairway.targets.local.layout import StateDir

app = typer.Typer(add_completion=False)


@app.command()
def bootstrap(
    context: typer.Context,
    environment: EnvironmentName = "",
    without_control_plane: Annotated[
        bool,
        typer.Option("--without-control-plane", help="State and registry alone, no server."),
    ] = False,
    without_images: Annotated[
        bool,
        typer.Option("--without-images", help="Fairway's own images are pushed by other means."),
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be made.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make what an environment on AWS needs before its first deployment.

    Terraform's state, the registry of images, and the server that delivers. Does only what is
    missing: run again after an interruption, it goes on there.
    """
    from fairway.targets.aws.bootstrap import ACCOUNT, CONTROL_PLANE, REGISTRY

    invocation = about(context, environment)
    standing = declared_standing(invocation)
    place = _place(standing)
    boot = _bootstrap(invocation, standing, place)
    served = not without_control_plane
    roots = (ACCOUNT, REGISTRY, *((CONTROL_PLANE,) if served else ()))
    if plan:
        steps = asyncio.run(boot.look(*roots))
        outcome, lines = Outcome(standing.environment, steps), look_lines
    else:
        images = None if without_images else _images(place)
        outcome = asyncio.run(_made(boot, place, images, served=served))
        lines = ended_lines
    if as_json:
        say_json(outcome_json(outcome))
    else:
        say("\n".join(lines(outcome, painter())))


async def _made(boot: Bootstrap, place: Place, images: Images | None, *, served: bool) -> Outcome:
    from fairway.targets.aws.bootstrap import ACCOUNT, CONTROL_PLANE, REGISTRY
    from fairway.targets.aws.images.own import own_image
    from fairway.targets.aws.values.shared import SERVER, SIDECAR

    steps = await boot.run(ACCOUNT, REGISTRY)
    pushed: dict[str, str] = {}
    for name in (SIDECAR, *((SERVER,) if served else ())):
        if images is not None:
            source = own_image(name, os.environ)
            pushed[name] = await asyncio.to_thread(images.pushed, source)
    if SERVER in pushed:
        image = await asyncio.to_thread(place.image, SERVER, pushed[SERVER])
        await boot.serve(image)
    if served:
        steps = (*steps, *await boot.run(CONTROL_PLANE))
    return Outcome(place.environment, steps, pushed)


def _place(standing: Standing) -> Place:
    from fairway.targets.aws.clients import Clients
    from fairway.targets.aws.place import Place
    from fairway.targets.aws.rendering.roots import regions

    app = standing.model
    owner = app.environments[standing.environment].aws.account
    lead = regions(standing)[0]
    return Place(app.app, standing.environment, lead, Clients(), time.time, owner)


def _bootstrap(invocation: Invocation, standing: Standing, place: Place) -> Bootstrap:
    from fairway.targets.aws.bootstrap import Bootstrap, Telling
    from fairway.targets.aws.rendering.roots import rendered
    from fairway.targets.aws.terraform.site import Site

    folder = _state(invocation).home / "bootstrap"
    site = Site(place.app, place.environment, place.lead, place.require_account, folder, os.environ)
    paint = painter(sys.stderr)
    tell = Telling(lambda root: note(paint.bold(root)), _tell)
    return Bootstrap(site, place, rendered(standing), tell)


def _state(invocation: Invocation) -> StateDir:
    """Where Terraform works, beside the app; marked with its version, as all that is kept there."""
    from fairway.targets.local.layout import open_state

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    app_file = find_app_file(invocation)
    opened = open_state(app_file.parent, invocation.environment, stamp=stamp)
    for message in opened.messages:
        note(message)
    return opened.state


def _tell(progress: Progress) -> None:
    if progress.telling:
        note(f"  {progress.words}")


def _images(place: Place) -> Images:
    from fairway.targets.aws.images.pushing import Images
    from fairway.targets.aws.images.registry import Registry

    return Images(Registry(place), os.environ, note)

"""`fairway cost`: what a month of an environment costs, by Terraform's plan and dated list prices.

Changes nothing. Without `--plan` Terraform plans every region against an empty state, with the
credentials that it finds.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.output import note, painter, say, say_json
from fairway.cli.rendered import declared_standing
from fairway.errors import InvalidInput

if TYPE_CHECKING:
    from fairway.targets.aws.cost.estimate import Estimate
    from fairway.targets.aws.standing.state import Standing

app = typer.Typer(add_completion=False)


@app.command()
def cost(
    context: typer.Context,
    environment: EnvironmentName = "",
    plans: Annotated[
        list[Path] | None,
        typer.Option(
            "--plan", metavar="FILE", help="`terraform show -json` of a region's plan; repeatable."
        ),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Every line: how much of what, at which price.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Estimate what a month of an environment costs.

    By the resources of Terraform's plan, dated list prices, and the use that the app file assumes.
    """
    from fairway.cli.delivering.cost_text import cost_lines

    standing = declared_standing(about(context, environment))
    found = _of_plans(standing, plans) if plans else _planned_here(standing)
    budget = standing.model.environments[standing.environment].cost.budget
    if as_json:
        say_json(_document(found, budget))
        return
    paint = painter()
    lines = cost_lines(standing.environment, found, budget, paint, details=details)
    say("\n".join(lines))


def _planned_here(standing: Standing) -> Estimate:
    from fairway.wiring import estimating

    _require_account(standing)
    note("Terraform plans every region; nothing is changed…")
    with estimating(os.environ) as provision:
        return asyncio.run(provision.estimate(standing))


def _require_account(standing: Standing) -> None:
    """Refused before Terraform starts when the credentials are of another account, or missing."""
    from fairway.targets.aws.clients import Clients
    from fairway.targets.aws.place import Place
    from fairway.targets.aws.rendering.roots import regions

    app = standing.model
    owner = app.environments[standing.environment].aws.account
    lead = regions(standing)[0]
    Place(app.app, standing.environment, lead, Clients(), time.time, owner).require_account()


def _of_plans(standing: Standing, files: list[Path]) -> Estimate:
    """The estimate of some regions; `missing` in it are those of which no plan was given."""
    from fairway.targets.aws.cost.estimate import Estimate, estimate_planned
    from fairway.targets.aws.provisioning import basis_of
    from fairway.targets.aws.rendering.roots import regions

    found, missing = Estimate(), list(regions(standing))
    for file in files:
        plan = _read(file)
        region = _variable(plan, "region")
        _require_own(standing, plan, file)
        if region not in missing:
            raise _other_plan(file, f"a second plan of {region}, or of a region that it has not")
        missing.remove(region)
        found = found.plus(estimate_planned(plan, basis_of(standing, region)))
    return replace(found, missing=tuple(missing))


def _require_own(standing: Standing, plan: Mapping[str, Any], file: Path) -> None:
    """InvalidInput for the plan of another app or environment."""
    app, environment = _variable(plan, "app"), _variable(plan, "environment")
    if (app, environment) != (standing.model.app, standing.environment):
        raise _other_plan(file, f"a plan of '{app}' in '{environment}'")


def _variable(plan: Mapping[str, Any], name: str) -> str:
    return str(plan["variables"].get(name, {}).get("value", ""))


def _other_plan(file: Path, what: str) -> InvalidInput:
    return InvalidInput(
        "other-plan",
        f"that is {what}",
        where=str(file),
        remedy="give one plan of each region of this app's environment",
    )


def _read(file: Path) -> dict[str, Any]:
    """A plan as JSON with the variable `region`; InvalidInput for anything else."""
    try:
        plan = json.loads(file.read_text("utf-8"))
        if "planned_values" in plan and isinstance(plan["variables"]["region"]["value"], str):
            return dict(plan)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f": {error}" if isinstance(error, OSError) else ""
        raise _no_plan(file, reason) from error
    raise _no_plan(file, "")


def _no_plan(file: Path, reason: str) -> InvalidInput:
    return InvalidInput(
        "no-terraform-plan",
        f"that is no plan of a region in Terraform's JSON{reason}",
        where=str(file),
        remedy="write it with: terraform plan -out plan.bin && terraform show -json plan.bin",
    )


def _document(found: Estimate, budget: float | None) -> dict[str, Any]:
    from fairway.cli.delivering.cost_text import left_out

    return {
        "monthly": round(found.monthly, 2),
        "currency": "USD",
        "budget": budget,
        "by_subject": {name: round(total, 2) for name, total in found.by_subject.items()},
        "oldest_price": None if found.oldest_price is None else str(found.oldest_price),
        "at_least": found.at_least,
        "unpriced": list(found.unpriced),
        "unassumed": [{"of": of, "key": key} for of, key in sorted(found.unassumed)],
        "missing_regions": list(found.missing),
        "not_in_it": list(left_out(found)),
        "lines": [
            {
                "region": line.region,
                "of": line.subject,
                "resource": line.address,
                "what": line.what,
                "quantity": line.quantity,
                "unit": line.price.unit,
                "price": line.price.value,
                "source": line.price.source,
                "as_of": str(line.price.as_of),
                "monthly": round(line.monthly, 4),
                "assumed": line.assumed,
            }
            for line in found.lines
        ],
    }

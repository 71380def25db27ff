"""`fairway cost`: what a month of an environment costs, by Terraform's plan and dated list prices.

Changes nothing. Without `--plan` Terraform plans every region against an empty state, with the
credentials that it finds.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.output import note, painter, say, say_json
from fairway.cli.rendered import declared_standing
from fairway.errors import InvalidInput

if TYPE_CHECKING:
    from fairway.targets.aws.cost.estimate import Estimate
    from fairway.targets.aws.standing import Standing

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
    lines = cost_lines(standing.environment, found, budget, painter(), details=details)
    say("\n".join(lines))


def _planned_here(standing: Standing) -> Estimate:
    from fairway.wiring import estimating

    note("Terraform plans every region; nothing is changed…")
    with estimating(os.environ) as provision:
        return asyncio.run(provision.estimate(standing))


def _of_plans(standing: Standing, files: list[Path]) -> Estimate:
    from fairway.targets.aws.cost.estimate import Estimate, estimate_planned
    from fairway.targets.aws.provisioning import basis_of

    found = Estimate()
    for file in files:
        plan = _read(file)
        basis = basis_of(standing, plan["variables"]["region"]["value"])
        found = found.plus(estimate_planned(plan, basis))
    return found


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
    return {
        "monthly": round(found.monthly, 2),
        "currency": "USD",
        "budget": budget,
        "by_subject": {name: round(total, 2) for name, total in found.by_subject.items()},
        "oldest_price": None if found.oldest_price is None else str(found.oldest_price),
        "unpriced": list(found.unpriced),
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

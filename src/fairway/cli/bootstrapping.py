"""What `fairway bootstrap` says in the end: what was made, and what comes next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fairway.cli.output import Painter
from fairway.delivery.words import plural
from fairway.plan.describe_areas import by_area
from fairway.plan.describe_preview import counted

if TYPE_CHECKING:
    from fairway.targets.aws.bootstrap import Step


@dataclass(frozen=True, slots=True)
class Outcome:
    """The steps, and the digests of Fairway's own images by repository."""

    environment: str
    steps: tuple[Step, ...]
    images: Mapping[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """Of the control plane's root; empty when it was left out."""
        return next((s.outputs for s in self.steps if s.root == "control-plane"), {})


def look_lines(outcome: Outcome, paint: Painter) -> list[str]:
    """What would be made, root by root."""
    lines: list[str] = []
    for step in outcome.steps:
        lines.append(f"{paint.bold(step.root)}  {counted(step.changes) or 'nothing to do'}")
        lines += by_area(step.changes)
    return [
        *lines,
        "every resource with its address: add --json",
        f"make it with: fairway bootstrap {outcome.environment}",
    ]


def ended_lines(outcome: Outcome, paint: Painter) -> list[str]:
    """What was made, where the server answers, and what comes next."""
    done = [
        f"{step.root:15}{plural(len(step.changes), 'resource') if step.changes else 'as it was'}"
        for step in outcome.steps
    ]
    return [
        *done,
        *_server(outcome),
        f"next: {paint.bold(f'fairway deploy {outcome.environment}')}",
    ]


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """The same for programs."""
    return {
        "environment": outcome.environment,
        "steps": [
            {
                "root": step.root,
                "changes": [
                    {"action": each.action, "kind": each.kind, "address": each.address}
                    for each in step.changes
                ],
            }
            for step in outcome.steps
        ],
        "images": dict(outcome.images),
        "server": outcome.outputs.get("url"),
        "next": f"fairway deploy {outcome.environment}",
    }


def _server(outcome: Outcome) -> Iterator[str]:
    url = outcome.outputs.get("url")
    if not url:
        return
    yield f"server: {url}, inside its network; name it in the app file: server: {url}"
    secret, region = (outcome.outputs.get(name) for name in ("first_token_secret", "region"))
    if secret and region:
        yield "log in with the first admin's token, which the server puts there when it starts:"
        yield (
            f"  aws secretsmanager get-secret-value --region {region} --secret-id {secret} "
            f"--query SecretString --output text | fairway login {url}"
        )

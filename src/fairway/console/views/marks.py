"""What happened while the numbers changed: deployments, weights and policies as marks on the axis.

The metrics page draws them across every chart, so that cause and effect can be seen together.
Pure: made from the events of the delivery and from the history of releases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairway.console.views.charts import Mark, MarkKind
from fairway.control.recorded import ReleaseRecord
from fairway.delivery.port import DeliveryEvent
from fairway.telemetry.port import Run

MARKED: Mapping[str, tuple[MarkKind, str]] = {
    "DeploymentStarted": ("deployment", "{release} begins"),
    "WeightShifted": ("weight", "{release} {weight} %"),
    "DeploymentSucceeded": ("success", "{release} in force"),
    "RollbackStarted": ("failure", "{release} goes back"),
    "DeploymentRolledBack": ("failure", "{release} rolled back"),
    "DeploymentFailed": ("failure", "{release} failed"),
}
"""Types of announcements, and the kind and the label of their marks."""


def delivery_marks(events: Iterable[DeliveryEvent]) -> tuple[Mark, ...]:
    """One mark per event that changes what requests meet."""
    return tuple(_mark(event) for event in events if event.type in MARKED)


def policy_marks(releases: Iterable[ReleaseRecord]) -> tuple[Mark, ...]:
    """Activations of policy sets, which no deployment tells of."""
    return tuple(
        Mark(
            record.created_at,
            "policies",
            f"policies {record.policy_set}",
            f"policy set {record.policy_set} decides, by {record.author}",
            "/policies",
        )
        for record in releases
        if record.kind == "policies"
    )


def run_marks(runs: Iterable[Run]) -> tuple[Mark, ...]:
    """Where the system was started: before it, numbers are those of another run."""
    return tuple(
        Mark(run.started_at, "run", f"run {run.number}", f"run {run.number} begins") for run in runs
    )


def _mark(event: DeliveryEvent) -> Mark:
    kind, label = MARKED[event.type]
    release, weight = event.data.get("release", ""), event.data.get("weight", "")
    text = label.format(release=f"r{release}", weight=weight)
    return Mark(event.at, kind, text, event.words, f"/deployments/{event.deployment}")

"""A plan in a file: written by `plan --out`, handed in with `deploy --plan`, refused when stale.

The server compares fingerprints once more when the deployment begins; here it is said in words what
moved, because the file knows what was observed then.
"""

from __future__ import annotations

from pathlib import Path

from fairway.delivery.codec import decode, encode
from fairway.errors import Conflict, InvalidInput
from fairway.plan.describe import moved
from fairway.plan.plan import Plan


def write_plan(file: Path, plan: Plan) -> None:
    """Keep a plan; it holds no secret values."""
    try:
        file.write_text(encode(plan) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unusable(file, "written", error) from error


def read_plan(file: Path) -> Plan:
    """The plan in a file; raises InvalidInput when there is none."""
    try:
        return decode(Plan, file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(file, "read", error) from error


def check_fresh(seen: Plan, now: Plan, file: Path) -> None:
    """Raise Conflict when the environment, or the app's files, have moved since the plan."""
    if seen.fingerprint != now.fingerprint:
        raise Conflict(
            "stale-plan",
            f"the plan is stale: {moved(seen.facts, now.facts)}",
            where=str(file),
            remedy=f"look at it again: fairway plan {now.environment} --out {file}",
        )
    if seen.release_digest != now.release_digest:
        raise Conflict(
            "other-release",
            "the plan is of another release: the app's files, or their variables, were changed "
            "since it was made",
            where=str(file),
            remedy=f"plan what is there now: fairway plan {now.environment} --out {file}",
        )


def _unusable(file: Path, what: str, error: Exception) -> InvalidInput:
    return InvalidInput(
        "unusable-plan-file",
        f"the plan cannot be {what}: {error}",
        where=str(file),
        remedy="name a file that `fairway plan --out FILE` may write and read",
    )

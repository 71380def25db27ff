"""A `Standing` as JSON and back: what `record.py` keeps. Pure.

Keys that a later version of Fairway adds have defaults, so that it reads what an earlier one wrote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fairway.errors import InvalidInput
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.contract import Routing, Split


def to_json(standing: Standing) -> str:
    """One form for each value: keys sorted."""
    return json.dumps(asdict(standing), sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> Standing:
    """What `to_json` made; InvalidInput when it is damaged: never guessed."""
    try:
        return _standing(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            "standing-damaged",
            f"what should be there on AWS cannot be read: {error}",
            remedy="restore the table of the environment to an earlier point in time",
        ) from error


def _standing(content: Mapping[str, Any]) -> Standing:
    routing = content["routing"]
    services = {
        name: tuple(StandingVersion(**version) for version in versions)
        for name, versions in content["services"].items()
    }
    read = {"services": services, "routing": None if routing is None else _routing(routing)}
    return Standing(**{**content, **read})


def _routing(content: Mapping[str, Any]) -> Routing:
    splits = {name: Split(**split) for name, split in content["services"].items()}
    return Routing(**{**content, "services": splits})

"""The published schemas are current, and what deployments tell fits them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.deployments import a_deployment, courses, happenings

from fairway.delivery.course import Course
from fairway.delivery.events import TYPES, cloud_event, schema_files, schema_of, type_of
from fairway.delivery.port import DeliveryEvent
from fairway.delivery.transitions import advance

PUBLISHED = Path(__file__).parents[3] / "docs" / "events"
BY_NAME = {kind.name: kind for kind in TYPES}
VALIDATORS = {
    name: jsonschema.Draft202012Validator(
        schema_of(kind), format_checker=jsonschema.FormatChecker()
    )
    for name, kind in BY_NAME.items()
}


def check(event: DeliveryEvent) -> dict[str, Any]:
    found = cloud_event("shop", "prod", event)
    VALIDATORS[event.type].validate(found)
    return found


def test_the_published_schemas_are_current() -> None:
    published = {file.name: file.read_text("utf-8") for file in PUBLISHED.glob("*.json")}
    assert published == schema_files(), "write them again: python -m fairway.delivery.events"


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_schema_is_one(kind: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of(kind))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": kind.type}, schema_of(kind))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DeploymentStarted", "io.fairway.deployment.started.v1"),
        ("DeploymentRolledBack", "io.fairway.deployment.rolled-back.v1"),
        ("WeightShifted", "io.fairway.weight.shifted.v1"),
    ],
)
def test_types_are_named_after_what_happened(name: str, expected: str) -> None:
    assert type_of(name) == expected


def test_an_event_has_the_same_identity_whenever_it_is_sent() -> None:
    event = DeliveryEvent(
        7, 1_700_000_000.25, "ApprovalGiven", "d1", "ok", {"release": 8, "by": "a"}
    )
    found = check(event)
    assert found == check(event)
    assert found["id"] == "shop.prod.7"
    assert found["source"] == "/apps/shop/environments/prod"
    assert found["subject"] == "d1"
    assert found["time"] == "2023-11-14T22:13:20.250000Z"
    assert found["data"]["words"] == "ok"
    json.dumps(found, allow_nan=False)


def test_an_event_of_no_deployment_has_no_subject() -> None:
    drift = {"kind": "process", "subject": "orbit.0", "expected": "runs", "found": "killed"}
    found = check(DeliveryEvent(1, 0.0, "DriftDetected", "", "one", {"drift": [drift]}))
    assert "subject" not in found


def test_every_type_that_the_sources_tell_is_published() -> None:
    """Announcements are made with a literal type: none may be missing from the list."""
    source = Path(__file__).parents[3] / "src" / "fairway" / "delivery"
    told = {
        word
        for file in source.glob("*.py")
        for word in file.read_text("utf-8").split('"')
        if word.isalpha() and word.startswith(("Deployment", "Drift", "Policy", "Policies"))
        and word not in ("Deployment", "Drift", "Policies", "Policy")
    }  # fmt: skip
    assert {"DeploymentQueued", "DeploymentSucceeded", "DriftRepaired"} <= told
    assert told <= set(BY_NAME)


@settings(max_examples=150)
@given(data=st.data(), course=courses())
def test_whatever_a_deployment_tells_fits_the_schema_of_its_type(
    data: st.DataObject, course: Course
) -> None:
    deployment = a_deployment(course)
    number = 0
    while deployment.effect is not None and number < 60:
        number += 1
        happening = data.draw(happenings(deployment.effect, float(number), deployment.inbox))
        step = advance(deployment, happening)
        deployment = step.deployment
        for told in step.announcements:
            check(DeliveryEvent(number, 1.0, told.type, "d1", told.words, dict(told.data)))

"""The published OpenAPI document is the one that is served."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.api.rig import Rig

from fairway.api.app import bare_app
from fairway.api.openapi import document

PUBLISHED = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"


def test_the_published_document_is_current() -> None:
    published = json.loads(PUBLISHED.read_text("utf-8"))
    assert published == json.loads(json.dumps(document(bare_app()))), (
        "write it again: python -m fairway.api.openapi docs/api/openapi.json"
    )


async def test_what_is_served_is_what_is_published() -> None:
    served = (await Rig().vera.get("/api/v1/openapi.json")).json()
    assert served == json.loads(PUBLISHED.read_text("utf-8"))
    assert served["openapi"].startswith("3.1")


def test_every_error_is_a_problem_document_and_there_is_no_default_422() -> None:
    for path, methods in document(bare_app())["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400 and method != "head":
                    assert list(response["content"]) == ["application/problem+json"], path
            assert ("422" in operation["responses"]) == (method == "post"), path
            assert operation["summary"]
            assert operation["description"], path

"""Forms from OpenAPI documents, and requests from what was filled in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.console.views.composing import Composed, compose
from fairway.console.views.operations import Field, Operation, operations_of
from fairway.errors import InvalidInput

DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "schema": {"type": "integer"}}],
            "get": {
                "summary": "One order",
                "parameters": [
                    {"name": "full", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "x-tenant", "in": "header", "required": True, "schema": {}},
                    {"$ref": "#/components/parameters/state"},
                ],
            },
        },
        "/orders": {
            "post": {
                "description": "Place an order.\nAnd more.",
                "requestBody": {"$ref": "#/components/requestBodies/order"},
            }
        },
        "/upload": {"put": {"requestBody": {"content": {"text/csv": {"schema": {}}}}}},
    },
    "components": {
        "parameters": {
            "state": {
                "name": "state",
                "in": "query",
                "schema": {"type": "string", "enum": ["open", "closed"], "default": "open"},
            }
        },
        "requestBodies": {
            "order": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}
            }
        },
        "schemas": {
            "Base": {"properties": {"id": {"type": "integer"}}, "required": ["id"]},
            "Order": {
                "allOf": [{"$ref": "#/components/schemas/Base"}],
                "type": "object",
                "required": ["prompt"],
                "properties": {
                    "prompt": {"type": "string", "example": "why?", "description": "what to ask"},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "parent": {"$ref": "#/components/schemas/Order"},
                },
            },
        },
    },
}


def known(key: str) -> Operation:
    return next(each for each in operations_of(DOCUMENT, ()) if each.key == key)


def test_parameters_of_operation_and_path_are_fields() -> None:
    found = known("GET /orders/{id}")
    assert found.summary == "One order"
    assert [(each.key, each.kind, each.required) for each in found.fields] == [
        ("path.id", "integer", True),
        ("query.full", "boolean", False),
        ("header.x-tenant", "json", True),
        ("query.state", "choice", False),
    ]
    assert found.fields[3] == Field(
        "query", "state", "choice", False, "open", "", ("open", "closed")
    )


def test_properties_of_the_body_are_fields_with_what_may_be_filled_in() -> None:
    found = known("POST /orders")
    assert found.summary == "Place an order."
    assert {each.name: (each.kind, each.required, each.sample) for each in found.fields} == {
        "id": ("integer", True, "0"),
        "prompt": ("text", True, "why?"),
        "note": ("text", False, ""),
        "parent": ("json", False, ""),
    }
    assert json.loads(found.sample)["prompt"] == "why?"
    assert known("PUT /upload").raw


def test_a_filled_in_form_is_a_request() -> None:
    filled = {
        "path.id": "7", "query.full": "true", "header.x-tenant": '"a"', "query.state": "closed",
        "headers": "Accept-Language: de\n\n",
    }  # fmt: skip
    assert compose(known("GET /orders/{id}"), filled) == Composed(
        "GET",
        "/orders/7?full=true&state=closed",
        {"x-tenant": "a", "accept-language": "de"},
        "",
    )


def test_a_body_is_made_of_what_was_filled_in_or_written() -> None:
    order = known("POST /orders")
    made = compose(order, {"body.id": "3", "body.prompt": "a \u201cquote\u201d", "body.note": ""})
    assert json.loads(made.body) == {"id": 3, "prompt": "a \u201cquote\u201d"}
    assert made.headers == {"content-type": "application/json"}
    assert compose(order, {"raw": "[1]", "body.id": "3"}).body == "[1]"


@pytest.mark.parametrize(
    ("filled", "where"),
    [
        ({"body.id": "x"}, "body.id"),
        ({"body.id": "1.5"}, "body.id"),
        ({"body.id": "true"}, "body.id"),
        ({"body.id": ""}, "body.id"),
        ({"body.id": "1", "body.parent": "{"}, "body.parent"),
        ({"body.id": "1", "headers": "no header"}, "headers"),
        ({"body.id": "1", "headers": "a b: c"}, "headers"),
    ],
)
def test_what_does_not_fit_is_told_with_its_field(filled: dict[str, str], where: str) -> None:
    with pytest.raises(InvalidInput) as told:
        compose(known("POST /orders"), filled)
    assert told.value.where == where


def test_a_value_cannot_leave_its_place() -> None:
    item = Operation("GET", "/a/{b}", fields=(Field("path", "b", "text", True),))
    assert compose(item, {"path.b": "../x?y#z\r\n"}).path == "/a/..%2Fx%3Fy%23z%0D%0A"
    header = Operation("GET", "/", fields=(Field("header", "x", "text"),))
    with pytest.raises(InvalidInput):
        compose(header, {"header.x": "a\r\nevil: b"})


def test_intents_stand_for_what_no_document_describes() -> None:
    intents = [("place", "POST", "/orders"), ("cancel", "DELETE", "/orders/{id}")]
    found = {each.key: each for each in operations_of(DOCUMENT, intents)}
    assert found["POST /orders"].intent == "place"
    assert found["DELETE /orders/{id}"].fields == (Field("path", "id", "text", True),)
    assert len(operations_of(None, intents)) == 2


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "$ref",
                    "allOf",
                    "properties",
                    "type",
                    "items",
                    "enum",
                    "content",
                    "schema",
                    "name",
                ]
            ),
            inner | st.sampled_from(["#/paths/~1a", "object", "array", "path", "query", "#/"]),
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(anything, anything, anything)
def test_a_malformed_document_breaks_nothing(parameters: object, body: object, top: object) -> None:
    told = {"parameters": parameters, "requestBody": body}
    operations_of({"paths": {"/a": {"post": told, "parameters": top}, "b": top}}, ())
    operations_of(top, ())

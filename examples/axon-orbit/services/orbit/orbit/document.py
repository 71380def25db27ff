"""What one may ask of orbit, as an OpenAPI document: the API explorer makes forms from it."""

from __future__ import annotations

from typing import Any

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {
            "type": "string",
            "description": "what axon is to think about",
            "example": "How is the weather over Bremen?",
        },
        "intent": {
            "type": "string",
            "enum": ["reason", "retrain"],
            "default": "reason",
            "description": "with which intent orbit asks axon",
        },
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "orbit", "version": "1"},
    "paths": {
        "/dispatch": {
            "post": {
                "operationId": "dispatch",
                "summary": "Hand a prompt to axon",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": ORDER}},
                },
                "responses": {
                    "200": {"description": "what axon said"},
                    "403": {"description": "a policy forbids it; `reason` says why"},
                    "422": {"description": "not an order"},
                    "502": {"description": "axon was asked and did not answer"},
                    "503": {"description": "axon is down; `retry-after` says when to try again"},
                },
            }
        },
    },
}

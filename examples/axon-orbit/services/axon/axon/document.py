"""What one may ask of axon, as an OpenAPI document: the API explorer makes forms from it."""

from __future__ import annotations

from typing import Any

from axon.reasoning import LONGEST_PROMPT

PROMPT: dict[str, Any] = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {
            "type": "string",
            "maxLength": LONGEST_PROMPT,
            "description": "what to think about",
            "example": "Who may ask?",
        }
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "axon", "version": "1"},
    "paths": {
        "/reason": {
            "post": {
                "operationId": "reason",
                "summary": "Answer a prompt with a conclusion",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": PROMPT}},
                },
                "responses": {
                    "200": {"description": "a heartbeat that carries the conclusion"},
                    "422": {"description": "no prompt, or one that is too long"},
                },
            }
        },
        "/retrain": {
            "post": {
                "operationId": "retrain",
                "summary": "Start a new generation of the model",
                "responses": {"200": {"description": "a heartbeat with the generation"}},
            }
        },
    },
}

"""Governance as an AWS Lambda function; the handler is `fairway.governance.lambda_handler.handler`.

The same decisions as `POST /api/v1/decide`, for an API Gateway HTTP API (payload version 2.0), a
function URL, or a direct invocation with the request document as the event.

FAIRWAY_POLICY_TABLE    the DynamoDB table with the policies of FAIRWAY_ENVIRONMENT; else
FAIRWAY_POLICY_FILE     a bundle in the package or a mounted file system
FAIRWAY_AUDIT_TABLE     where audit entries are added, kept for FAIRWAY_AUDIT_DAYS (400)

Audit entries go to standard output as well, as JSON lines, which Lambda keeps in CloudWatch Logs.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fairway.errors import Unavailable
from fairway.governance.decide import Answer, DecisionDesk
from fairway.governance.lambda_tables import AuditTable, TablePolicies, dynamodb
from fairway_runtime.policy.audit import Entry
from fairway_runtime.policy.bundle import BundleFile, InvalidBundle
from fairway_runtime.policy.engine import PolicyEngine
from fairway_runtime.policy.live import LivePolicies

Event = Mapping[str, Any]
Handler = Callable[[Event, object], dict[str, Any]]
Record = Callable[[Entry], None]

_AUDIT_DAYS = "400"


def handler(event: Event, context: object) -> dict[str, Any]:
    """What Lambda calls. Raises Unavailable, and so fails, while there is no usable bundle."""
    return _handler_of_the_process()(event, context)


def make_handler(desk: DecisionDesk) -> Handler:
    """A handler for a given desk; `handler` is the one made from the environment."""

    def handle(event: Event, context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's shape
        if _is_http(event):
            return _http_response(_answer_http(desk, event))
        return desk.answer(event).document

    return handle


def engine_file(environment: Mapping[str, str]) -> LivePolicies:
    """The policies at `FAIRWAY_POLICY_FILE`; raises Unavailable when it is unset or unusable."""
    path = environment.get("FAIRWAY_POLICY_FILE", "")
    live = LivePolicies(BundleFile(Path(path)))
    try:
        _ = live.engine
    except InvalidBundle as error:
        raise Unavailable(
            "no-policy-bundle",
            f"there are no policies to decide by: {error}",
            where=path or "FAIRWAY_POLICY_FILE",
            remedy="put the bundle in the package and its path in FAIRWAY_POLICY_FILE",
        ) from error
    return live


@functools.cache
def _handler_of_the_process() -> Handler:
    """Built at the first invocation: Lambda has no other place to hand things in."""
    return make_handler(DecisionDesk(engines(os.environ), recorder(os.environ)))


def engines(environment: Mapping[str, str]) -> Callable[[], PolicyEngine]:
    """Where each decision gets its engine: from the table if there is one, else from the file."""
    table = environment.get("FAIRWAY_POLICY_TABLE", "")
    if not table:
        live = engine_file(environment)
        return lambda: live.engine
    named = environment.get("FAIRWAY_ENVIRONMENT", "")
    policies = TablePolicies(dynamodb(), table, named, time.time)
    return lambda: policies.engine


def recorder(environment: Mapping[str, str]) -> Record:
    """Where audit entries go: standard output, and the table if there is one."""
    table = environment.get("FAIRWAY_AUDIT_TABLE", "")
    if not table:
        return _print_entry
    days = int(environment.get("FAIRWAY_AUDIT_DAYS", _AUDIT_DAYS))
    audit = AuditTable(dynamodb(), table, days, time.time)

    def record(entry: Entry) -> None:
        _print_entry(entry)
        audit.add(entry)

    return record


def _print_entry(entry: Entry) -> None:
    sys.stdout.write(json.dumps({"audit": entry._asdict()}) + "\n")


def _is_http(event: Event) -> bool:
    return isinstance(event, Mapping) and "requestContext" in event and "rawPath" in event


def _answer_http(desk: DecisionDesk, event: Event) -> Answer:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            body = b""
    return desk.answer_json(body)


def _http_response(answer: Answer) -> dict[str, Any]:
    return {
        "statusCode": answer.status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(answer.document),
    }

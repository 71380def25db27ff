"""CloudWatch Logs: saved queries of Logs Insights.

Added: PutQueryDefinition, DescribeQueryDefinitions, DeleteQueryDefinition.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from moto.logs.responses import LogsResponse as Response


def install() -> None:
    Response.put_query_definition = _put
    Response.describe_query_definitions = _describe
    Response.delete_query_definition = _delete


def _put(self: Response) -> str:
    given = {
        key: self._get_param(key)
        for key in ("name", "queryString", "logGroupNames", "queryLanguage")
        if self._get_param(key)
    }
    id_ = self._get_param("queryDefinitionId") or str(uuid4())
    _definitions(self)[id_] = {"queryDefinitionId": id_, **given}
    return json.dumps({"queryDefinitionId": id_})


def _describe(self: Response) -> str:
    prefix = self._get_param("queryDefinitionNamePrefix") or ""
    found = [each for each in _definitions(self).values() if each["name"].startswith(prefix)]
    return json.dumps({"queryDefinitions": found})


def _delete(self: Response) -> str:
    found = _definitions(self).pop(self._get_param("queryDefinitionId"), None)
    return json.dumps({"success": found is not None})


def _definitions(self: Response) -> dict[str, Any]:
    """Kept on the backend, which a reset replaces."""
    found: dict[str, Any] = self.logs_backend.__dict__.setdefault("_query_definitions", {})
    return found

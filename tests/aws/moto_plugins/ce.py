"""Cost Explorer: monitors of anomalies and who is told of them.

Added: Create, Get, Update and DeleteAnomalyMonitor and -AnomalySubscription, with their tags;
UpdateCostAllocationTagsStatus, ListCostAllocationTags.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from moto.ce.responses import CostExplorerResponse as Response

KINDS = {"Monitor": "AnomalyMonitor", "Subscription": "AnomalySubscription"}


def install() -> None:
    Response.update_cost_allocation_tags_status = _activate
    Response.list_cost_allocation_tags = _tags
    for kind, member in KINDS.items():
        name = f"anomaly_{kind.lower()}"
        setattr(Response, f"create_{name}", _creating(kind, member))
        setattr(Response, f"get_{name}s", _getting(kind, member))
        setattr(Response, f"update_{name}", _updating(kind))
        setattr(Response, f"delete_{name}", _deleting(kind))


def _activate(self: Response) -> str:
    for each in json.loads(self.body)["CostAllocationTagsStatus"]:
        _kept(self, "tag")[each["TagKey"]] = {**each, "Type": "UserDefined"}
    return json.dumps({"Errors": []})


def _tags(self: Response) -> str:
    wanted = json.loads(self.body).get("TagKeys")
    kept = _kept(self, "tag")
    return json.dumps(
        {"CostAllocationTags": [tag for key, tag in kept.items() if not wanted or key in wanted]}
    )


def _creating(kind: str, member: str) -> Any:
    def create(self: Response) -> str:
        given = json.loads(self.body)
        arn = f"arn:aws:ce::{self.current_account}:anomaly{kind.lower()}/{uuid4()}"
        made = {"DimensionalValueCount": 10} if kind == "Monitor" else {}
        _kept(self, kind)[arn] = {**given[member], **made, f"{kind}Arn": arn}
        if given.get("ResourceTags"):
            self.ce_backend.tag_resource(arn, given["ResourceTags"])
        return json.dumps({f"{kind}Arn": arn})

    return create


def _getting(kind: str, member: str) -> Any:
    def get(self: Response) -> str:
        wanted = json.loads(self.body).get(f"{kind}ArnList")
        kept = _kept(self, kind)
        found = [each for arn, each in kept.items() if not wanted or arn in wanted]
        return json.dumps({f"{member[: -len(kind)]}{kind}s": found})

    return get


def _updating(kind: str) -> Any:
    def update(self: Response) -> str:
        given = json.loads(self.body)
        arn = given[f"{kind}Arn"]
        _kept(self, kind)[arn].update(given)
        return json.dumps({f"{kind}Arn": arn})

    return update


def _deleting(kind: str) -> Any:
    def delete(self: Response) -> str:
        _kept(self, kind).pop(json.loads(self.body)[f"{kind}Arn"], None)
        return "{}"

    return delete


def _kept(self: Response, kind: str) -> dict[str, Any]:
    """Kept on the backend, which a reset replaces."""
    found: dict[str, Any] = self.ce_backend.__dict__.setdefault(f"_anomaly_{kind.lower()}s", {})
    return found

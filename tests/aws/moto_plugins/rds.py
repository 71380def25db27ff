"""RDS: Performance Insights of an instance; its own resource id; who set a parameter.

Added: PerformanceInsightsEnabled, its key and retention; Source of the parameters of a group. moto
gives every instance the same DbiResourceId, by which Terraform's provider looks for its own.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend

KEPT = {
    "enable_performance_insights": "performance_insights_enabled",
    "performance_insights_kms_key_id": "performance_insights_kms_key_id",
    "performance_insights_retention_period": "performance_insights_retention_period",
}


def install() -> None:
    create, modify = RDSBackend.create_db_instance, RDSBackend.modify_db_instance

    def create_db_instance(self: RDSBackend, db_kwargs: dict[str, Any]) -> DBInstance:
        return _keep(create(self, db_kwargs), db_kwargs)

    def modify_db_instance(
        self: RDSBackend, db_instance_identifier: str, db_kwargs: dict[str, Any]
    ) -> DBInstance:
        return _keep(modify(self, db_instance_identifier, db_kwargs), db_kwargs)

    begin = DBInstance.__init__

    def __init__(self: DBInstance, *given: Any, **named: Any) -> None:
        begin(self, *given, **named)
        self.dbi_resource_id = _resource_id(self.db_instance_arn)

    update = DBParameterGroup.update_parameters

    def update_parameters(self: DBParameterGroup, new_parameters: Any) -> None:
        update(self, [{**each, "Source": "user"} for each in new_parameters])

    DBParameterGroup.update_parameters = update_parameters
    DBInstance.__init__ = __init__  # type: ignore[method-assign]
    RDSBackend.create_db_instance = create_db_instance
    RDSBackend.modify_db_instance = modify_db_instance


def _resource_id(arn: str) -> str:
    """As AWS's: `db-` and 26 letters and digits."""
    return f"db-{base64.b32encode(hashlib.sha256(arn.encode()).digest())[:26].decode()}"


def _keep(instance: DBInstance, given: dict[str, Any]) -> DBInstance:
    for name, kept in KEPT.items():
        if given.get(name) is not None:
            setattr(instance, kept, given[name])
    return instance

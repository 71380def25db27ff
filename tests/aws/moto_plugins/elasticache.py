"""ElastiCache: parameter groups and groups of users; a subnet group can be deleted.

Added: Create, Describe, Modify and DeleteCacheParameterGroup, DescribeCacheParameters; Create,
Describe, Modify and DeleteUserGroup; DeleteCacheSubnetGroup; tags of these; the members of a
replication group as clusters.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache.exceptions import ElastiCacheException
from moto.elasticache.models import ElastiCacheBackend as Backend
from moto.elasticache.responses import ElastiCacheResponse as Response

Things = dict[str, dict[str, Any]]


class NoParameterGroup(ElastiCacheException):
    code = "CacheParameterGroupNotFound"


class NoUserGroup(ElastiCacheException):
    code = "UserGroupNotFound"


def install() -> None:
    for method in (
        create_cache_parameter_group,
        describe_cache_parameter_groups,
        describe_cache_parameters,
        modify_cache_parameter_group,
        reset_cache_parameter_group,
        delete_cache_parameter_group,
        create_user_group,
        describe_user_groups,
        modify_user_group,
        delete_user_group,
        delete_cache_subnet_group,
    ):
        setattr(Response, method.__name__, method)
    create, delete = Response.create_replication_group, Response.delete_replication_group

    def create_replication_group(self: Response) -> ActionResult:
        made = create(self)
        group = made.result["ReplicationGroup"]  # type: ignore[index]
        for number in range(1, (self._get_int_param("NumCacheClusters") or 1) + 1):
            name = f"{group.replication_group_id}-{number:03}"
            self.elasticache_backend.cache_clusters[name] = _member(self, name)
            if name not in group.member_clusters:
                group.member_clusters.append(name)
        return made

    def delete_replication_group(self: Response) -> ActionResult:
        gone = delete(self)
        group = gone.result["ReplicationGroup"]  # type: ignore[index]
        for name in group.member_clusters:
            self.elasticache_backend.cache_clusters.pop(name, None)
        self.elasticache_backend.replication_groups.pop(group.replication_group_id, None)
        return gone

    Response.create_replication_group = create_replication_group
    Response.delete_replication_group = delete_replication_group
    Backend.list_tags_for_resource = lambda self, arn: self.tagging_service.list_tags_for_resource(
        arn
    )


def _member(self: Response, name: str) -> dict[str, Any]:
    """One cluster of a replication group, as it is described."""
    same = (
        "CacheNodeType", "Engine", "EngineVersion", "PreferredMaintenanceWindow", "SnapshotWindow",
        "SnapshotRetentionLimit", "CacheSubnetGroupName", "ReplicationGroupId",
        "TransitEncryptionEnabled", "AtRestEncryptionEnabled", "TransitEncryptionMode",
    )  # fmt: skip
    groups = self._get_param("SecurityGroupIds", [])
    return {
        **{key: self._get_param(key) for key in same if self._get_param(key) is not None},
        "CacheClusterId": name,
        "CacheClusterStatus": "available",
        "NumCacheNodes": 1,
        "AutoMinorVersionUpgrade": True,
        "SecurityGroups": [{"SecurityGroupId": group, "Status": "active"} for group in groups],
        "CacheParameterGroup": {
            "CacheParameterGroupName": self._get_param("CacheParameterGroupName"),
            "ParameterApplyStatus": "in-sync",
        },
        "ARN": _arn(self, "cluster", name),
    }


def create_cache_parameter_group(self: Response) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    group = {
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": self._get_param("CacheParameterGroupFamily"),
        "Description": self._get_param("Description"),
        "IsGlobal": False,
        "ARN": _arn(self, "parametergroup", name),
        "values": {},
    }
    _kept(self, "parameter")[name] = group
    _tag(self, group["ARN"])
    return ActionResult({"CacheParameterGroup": group})


def describe_cache_parameter_groups(self: Response) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    return ActionResult({"CacheParameterGroups": _some(self, "parameter", name, NoParameterGroup)})


def describe_cache_parameters(self: Response) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    (group,) = _some(self, "parameter", name, NoParameterGroup)
    parameters = [
        {"ParameterName": key, "ParameterValue": value, "Source": "user", "IsModifiable": True}
        for key, value in group["values"].items()
    ]
    return ActionResult({"Parameters": parameters})


def modify_cache_parameter_group(self: Response) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    (group,) = _some(self, "parameter", name, NoParameterGroup)
    for each in self._get_param("ParameterNameValues", []):
        group["values"][each["ParameterName"]] = each["ParameterValue"]
    return ActionResult({"CacheParameterGroupName": name})


def reset_cache_parameter_group(self: Response) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    (group,) = _some(self, "parameter", name, NoParameterGroup)
    for each in self._get_param("ParameterNameValues", []):
        group["values"].pop(each["ParameterName"], None)
    return ActionResult({"CacheParameterGroupName": name})


def delete_cache_parameter_group(self: Response) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    _some(self, "parameter", name, NoParameterGroup)
    del _kept(self, "parameter")[name]
    return EmptyResult()


def create_user_group(self: Response) -> ActionResult:
    id_ = self._get_param("UserGroupId")
    group = {
        "UserGroupId": id_,
        "Status": "active",
        "Engine": self._get_param("Engine"),
        "UserIds": self._get_param("UserIds", []),
        "MinimumEngineVersion": "7.2",
        "ReplicationGroups": [],
        "ARN": _arn(self, "usergroup", id_),
    }
    _kept(self, "user")[id_] = group
    _tag(self, group["ARN"])
    return ActionResult(group)


def describe_user_groups(self: Response) -> ActionResult:
    return ActionResult(
        {"UserGroups": _some(self, "user", self._get_param("UserGroupId"), NoUserGroup)}
    )


def modify_user_group(self: Response) -> ActionResult:
    (group,) = _some(self, "user", self._get_param("UserGroupId"), NoUserGroup)
    removed = set(self._get_param("UserIdsToRemove", []))
    kept = [each for each in group["UserIds"] if each not in removed]
    group["UserIds"] = [*kept, *self._get_param("UserIdsToAdd", [])]
    return ActionResult(group)


def delete_user_group(self: Response) -> ActionResult:
    (group,) = _some(self, "user", self._get_param("UserGroupId"), NoUserGroup)
    del _kept(self, "user")[group["UserGroupId"]]
    return ActionResult(group | {"Status": "deleting"})


def delete_cache_subnet_group(self: Response) -> ActionResult:
    self.elasticache_backend.cache_subnet_groups.pop(self._get_param("CacheSubnetGroupName"), None)
    return EmptyResult()


def _some(
    self: Response, kind: str, name: str | None, missing: type[ElastiCacheException]
) -> list[dict[str, Any]]:
    """The one of that name, which must be there; without a name all of them."""
    kept = _kept(self, kind)
    if name is None:
        return list(kept.values())
    if name not in kept:
        raise missing(f"{name} not found.")
    return [kept[name]]


def _kept(self: Response, kind: str) -> Things:
    """Kept on the backend, which a reset replaces."""
    found: Things = self.elasticache_backend.__dict__.setdefault(f"_{kind}_groups", {})
    return found


def _arn(self: Response, kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{self.region}:{self.current_account}:{kind}:{name}"


def _tag(self: Response, arn: str) -> None:
    self.elasticache_backend.add_tags_to_resource(arn, self._get_param("Tags", []))

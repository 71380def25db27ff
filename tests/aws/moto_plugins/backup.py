"""Backup: what a plan selects; who may use a vault and who is told of its jobs.

Added: Create, Get, List and DeleteBackupSelection; Put, Get and DeleteBackupVaultAccessPolicy and
-Notifications; ListRecoveryPointsByBackupVault, which finds none. Mended: tags of what is asked for
without a slash at the end.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from moto.backup import urls
from moto.backup.exceptions import ResourceNotFoundException
from moto.backup.responses import BackupResponse as Response

VAULT = "{0}/backup-vaults/(?P<name>[^/]+)/"


def install() -> None:
    for path in ("access-policy", "notification-configuration", "recovery-points/"):
        urls.url_paths[f"{VAULT}{path}$"] = Response.dispatch
    Response.list_tags = list_tags
    for method in (
        put_backup_vault_access_policy,
        get_backup_vault_access_policy,
        delete_backup_vault_access_policy,
        put_backup_vault_notifications,
        get_backup_vault_notifications,
        delete_backup_vault_notifications,
        list_recovery_points_by_backup_vault,
        create_backup_selection,
        get_backup_selection,
        list_backup_selections,
        delete_backup_selection,
    ):
        setattr(Response, method.__name__, method)


def list_tags(self: Response) -> str:
    arn = unquote(self.raw_path.split("/tags/")[-1].rstrip("/"))
    return json.dumps({"Tags": self.backup_backend.list_tags(arn)})


def put_backup_vault_access_policy(self: Response) -> str:
    return _put(self, "policy", {"Policy": json.loads(self.body).get("Policy")})


def get_backup_vault_access_policy(self: Response) -> str:
    return json.dumps(_got(self, "policy", _vault(self)))


def delete_backup_vault_access_policy(self: Response) -> str:
    return _gone(self, "policy", _vault(self))


def put_backup_vault_notifications(self: Response) -> str:
    given = json.loads(self.body)
    told = {key: given[key] for key in ("SNSTopicArn", "BackupVaultEvents")}
    return _put(self, "notifications", told)


def get_backup_vault_notifications(self: Response) -> str:
    return json.dumps(_got(self, "notifications", _vault(self)))


def delete_backup_vault_notifications(self: Response) -> str:
    return _gone(self, "notifications", _vault(self))


def list_recovery_points_by_backup_vault(self: Response) -> str:
    return json.dumps({"RecoveryPoints": []})


def create_backup_selection(self: Response) -> str:
    id_, plan = str(uuid4()), self.path.split("/")[3]
    selection = json.loads(self.body)["BackupSelection"]
    made = {"BackupPlanId": plan, "SelectionId": id_, "CreationDate": 1700000000}
    _kept(self, "selections")[id_] = made | {"BackupSelection": selection}
    return json.dumps(made)


def get_backup_selection(self: Response) -> str:
    return json.dumps(_got(self, "selections", self.path.rstrip("/").split("/")[-1]))


def list_backup_selections(self: Response) -> str:
    plan = self.path.split("/")[3]
    found = [
        {key: each[key] for key in ("BackupPlanId", "SelectionId", "CreationDate")}
        | {"SelectionName": each["BackupSelection"]["SelectionName"]}
        for each in _kept(self, "selections").values()
        if each["BackupPlanId"] == plan
    ]
    return json.dumps({"BackupSelectionsList": found})


def delete_backup_selection(self: Response) -> str:
    return _gone(self, "selections", self.path.rstrip("/").split("/")[-1])


def _put(self: Response, kind: str, given: dict[str, Any]) -> str:
    name = _vault(self)
    arn = self.backup_backend.describe_backup_vault(name).backup_vault_arn
    kept = {"BackupVaultName": name, "BackupVaultArn": arn, **given}
    _kept(self, kind)[name] = kept
    return "{}"


def _got(self: Response, kind: str, name: str) -> dict[str, Any]:
    if name not in _kept(self, kind):
        raise ResourceNotFoundException(f"no {kind} of {name}")
    found: dict[str, Any] = _kept(self, kind)[name]
    return found


def _gone(self: Response, kind: str, name: str) -> str:
    _kept(self, kind).pop(name, None)
    return "{}"


def _vault(self: Response) -> str:
    name: str = self.path.split("/")[2]
    return name


def _kept(self: Response, kind: str) -> dict[str, Any]:
    """Kept on the backend, which a reset replaces."""
    found: dict[str, Any] = self.backup_backend.__dict__.setdefault(f"_{kind}", {})
    return found

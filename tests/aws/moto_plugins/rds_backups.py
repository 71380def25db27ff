"""RDS: automated backups that are copied to another region, at once.

Added: StartDBInstanceAutomatedBackupsReplication, StopDBInstanceAutomatedBackupsReplication, and
what DescribeDBInstanceAutomatedBackups and the source itself say of it.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.models import DBInstance, rds_backends
from moto.rds.responses import RDSResponse

Copies = dict[str, dict[str, Any]]


def install() -> None:
    describe = RDSResponse.describe_db_instance_automated_backups

    def described(self: RDSResponse) -> ActionResult:
        arn = self.params.get("DBInstanceAutomatedBackupsArn")
        if arn is None:
            return describe(self)
        found = [it for it in _copies(self).values() if it["DBInstanceAutomatedBackupsArn"] == arn]
        return ActionResult({"DBInstanceAutomatedBackups": found})

    response: Any = RDSResponse
    response.describe_db_instance_automated_backups = described
    response.start_db_instance_automated_backups_replication = _start
    response.stop_db_instance_automated_backups_replication = _stop
    instance: Any = DBInstance
    instance.db_instance_automated_backups_replications = property(_of_source)


def _start(self: RDSResponse) -> ActionResult:
    source = self.params["SourceDBInstanceArn"]
    region, name = source.split(":")[3], source.rpartition(":")[2]
    rds_backends[self.current_account][region].describe_db_instances(name)  # it has to be there
    own = f"arn:aws:rds:{self.region}:{self.current_account}:auto-backup:ab-{name}"
    _copies(self)[source] = {
        "DBInstanceArn": source,
        "DBInstanceAutomatedBackupsArn": own,
        "DBInstanceIdentifier": name,
        "Region": region,
        "Status": "replicating",
        "KmsKeyId": self.params.get("KmsKeyId"),
        "BackupRetentionPeriod": int(self.params.get("BackupRetentionPeriod") or 7),
    }
    return ActionResult({"DBInstanceAutomatedBackup": _copies(self)[source]})


def _stop(self: RDSResponse) -> ActionResult:
    stopped = _copies(self).pop(self.params["SourceDBInstanceArn"])
    return ActionResult({"DBInstanceAutomatedBackup": stopped})


def _of_source(self: DBInstance) -> list[dict[str, str]]:
    """Where its backups are copied to, in whatever region."""
    every = (vars(each).get("_copies", {}) for each in rds_backends[self.account_id].values())
    found = (copies[self.db_instance_arn] for copies in every if self.db_instance_arn in copies)
    named = "DBInstanceAutomatedBackupsArn"
    return [{named: each[named]} for each in found]


def _copies(self: RDSResponse) -> Copies:
    """Kept on the backend of the region that has the copies, which a reset replaces."""
    found: Copies = self.backend.__dict__.setdefault("_copies", {})
    return found

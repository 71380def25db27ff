"""What keeps an eye and a secret: logs, alarms, dashboards, keys, secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.targets.aws.cost.items import Context, Item, Pricer
from fairway.targets.aws.cost.planned import Resource

_DAYS_OF_A_MONTH = 30.0


def _logs(resource: Resource, context: Context) -> Iterator[Item]:
    """A service's lines; those of flow logs and functions are by use, and small beside them."""
    written = context.usage.gigabytes(resource.subject, "logs")
    if not written:
        return
    yield Item("log lines", written, "log-ingestion", assumed=True)
    months = float(resource.values.get("retention_in_days") or 0) / _DAYS_OF_A_MONTH
    yield Item("logs that are kept", written * max(1.0, months), "log-storage", assumed=True)


def _alarm(resource: Resource, _context: Context) -> Iterator[Item]:
    """Each metric that an alarm with an expression reads is billed."""
    queries = resource.values.get("metric_query") or ()
    metrics = sum(1 for query in queries if query.get("metric")) or 1
    yield Item("alarm", metrics, "alarm")


def _composite(_resource: Resource, _context: Context) -> Iterator[Item]:
    yield Item("alarm of alarms", 1, "composite-alarm")


def _dashboard(_resource: Resource, _context: Context) -> Iterator[Item]:
    yield Item("dashboard", 1, "dashboard")


def _key(_resource: Resource, _context: Context) -> Iterator[Item]:
    yield Item("key", 1, "key")


def _secret(resource: Resource, _context: Context) -> Iterator[Item]:
    copies = 1 + len(resource.values.get("replica") or ())
    yield Item("secret" if copies == 1 else f"secret in {copies} regions", copies, "secret")


OPERATIONS: Mapping[str, Pricer] = {
    "aws_cloudwatch_log_group": _logs,
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_cloudwatch_composite_alarm": _composite,
    "aws_cloudwatch_dashboard": _dashboard,
    "aws_kms_key": _key,
    "aws_kms_replica_key": _key,
    "aws_secretsmanager_secret": _secret,
}

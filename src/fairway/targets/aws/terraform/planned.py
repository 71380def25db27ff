"""What a plan of Terraform changes, resource by resource, with reasons. Pure.

Reads the JSON of `terraform show -json PLAN`. A value that is sensitive is never in a reason: only
that it differs. Deletions and replacements are marked where they lose data or answers.
Source: "JSON Output Format" of the documentation of Terraform (plan representation, format 1.x).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from fairway.plan.preview import ResourceAction, ResourceChange
from fairway.targets.aws.terraform.addresses import service_of

Json = Any
_ACTIONS: Mapping[tuple[str, ...], ResourceAction] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
}
HOLDS_DATA = frozenset({
    "aws_db_instance", "aws_rds_cluster", "aws_rds_cluster_instance", "aws_dynamodb_table",
    "aws_s3_bucket", "aws_kms_key", "aws_kms_replica_key", "aws_secretsmanager_secret",
    "aws_ecr_repository", "aws_sqs_queue", "aws_elasticache_replication_group",
    "aws_elasticache_serverless_cache", "aws_backup_vault", "aws_cloudwatch_log_group",
    "aws_ssm_parameter", "aws_efs_file_system",
})  # fmt: skip
"""Types whose deletion takes something away that no later apply brings back."""
SERVES = frozenset({
    "aws_ecs_service", "aws_ecs_cluster", "aws_lb", "aws_lb_listener", "aws_lb_listener_rule",
    "aws_lb_target_group", "aws_cloudfront_distribution", "aws_route53_record", "aws_vpc",
    "aws_subnet", "aws_nat_gateway", "aws_service_discovery_service", "aws_lambda_function",
    "aws_service_discovery_private_dns_namespace", "aws_acm_certificate", "aws_sns_topic",
    "aws_apigatewayv2_api",
})  # fmt: skip
"""Types without which requests or messages are not answered."""
_WHY = {
    "replace_because_tainted": "its last creation did not succeed",
    "replace_by_request": "its replacement was asked for",
    "replace_by_triggers": "what it depends on is replaced",
    "delete_because_no_resource_config": "the configuration has it no longer",
    "delete_because_no_module": "its module is there no longer",
    "delete_because_each_key": "its key is there no longer",
    "delete_because_count_index": "there are fewer of them now",
    "delete_because_wrong_repetition": "it is repeated in another way now",
    "delete_because_no_move_target": "what it was moved to is not there",
}
_MOST_REASONS = 8
_LONGEST_VALUE = 48
_CUT = "…"
_HIDDEN = "(sensitive)"
_LATER = "(known after apply)"


def resource_changes(plan: Json) -> tuple[ResourceChange, ...]:
    """Every resource that would change: by service, then by address."""
    return _sorted(_change(each) for each in plan.get("resource_changes") or ())


def drifted(plan: Json) -> tuple[ResourceChange, ...]:
    """Every resource that was changed behind Terraform's back.

    The provider reads `{}` or 0 where it was told nothing: that is no difference. Nor is another
    order of things that are as they were, as the parts of a set come.
    """
    found = _sorted(_change(_as_told(each)) for each in plan.get("resource_drift") or ())
    return tuple(each for each in found if each.action != "update" or each.reasons)


def _as_told(resource: Json) -> Json:
    change = resource["change"]
    after = _without_zeros(change.get("before"), change.get("after"))
    return {**resource, "change": {**change, "after": after}}


def _without_zeros(before: Json, after: Json) -> Json:
    """`after`, with nothing where there was nothing and now is 0, false or an empty text."""
    if before is None and after in (0, False, ""):
        return None
    if isinstance(before, dict) and isinstance(after, dict):
        return {key: _without_zeros(before.get(key), value) for key, value in after.items()}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [_without_zeros(*pair) for pair in zip(before, _aligned(before, after), strict=True)]
    return after


def _aligned(before: list[Json], after: list[Json]) -> list[Json]:
    """`after` in the order of what it is most like in `before`: a set has no order that lasts."""
    if not all(isinstance(each, dict) for each in (*before, *after)):
        return after
    left, found = list(after), []
    for each in before:
        alike = max(left, key=partial(_alike, each))
        left.remove(alike)
        found.append(alike)
    return found


def _alike(one: Json, other: Json) -> int:
    """How many attributes both have, and have alike."""
    return sum(bool(value) and other.get(key) == value for key, value in one.items())


def losing_data(changes: Sequence[ResourceChange]) -> tuple[ResourceChange, ...]:
    """The deletions and replacements that take data away."""
    return tuple(each for each in changes if each.destructive and each.kind in HOLDS_DATA)


def _sorted(changes: Iterator[ResourceChange | None]) -> tuple[ResourceChange, ...]:
    found = [each for each in changes if each is not None]
    return tuple(sorted(found, key=lambda each: (each.service, each.address)))


def _change(resource: Json) -> ResourceChange | None:
    """One entry of the plan; None for what is read, forgotten or stays as it is."""
    change = resource["change"]
    action = _ACTIONS.get(tuple(change["actions"]))
    if action is None or resource.get("mode") == "data":
        return None
    kind = resource["type"]
    return ResourceChange(
        service=service_of(resource["address"]),
        kind=kind,
        address=resource["address"],
        action=action,
        reasons=_reasons(resource, action),
        destructive=action in ("delete", "replace") and kind in HOLDS_DATA | SERVES,
    )


def _reasons(resource: Json, action: ResourceAction) -> tuple[str, ...]:
    why = _WHY.get(resource.get("action_reason", ""))
    first = (why,) if why else ()
    if action in ("create", "delete"):
        return first
    found = (*first, *differences(resource["change"]))
    more = len(found) - _MOST_REASONS
    return (*found[:_MOST_REASONS], f"and {more} more") if more > 0 else found


def differences(change: Json) -> tuple[str, ...]:
    """`cpu: 256 → 512`, one for each attribute that differs; what forces a replacement first."""
    forcing = {_place(path) for path in change.get("replace_paths") or ()}
    found = [
        (place, f"{place}: {words}{' (forces replacement)' if _forced(place, forcing) else ''}")
        for place, words in _differing(
            change.get("before"),
            change.get("after"),
            change.get("after_unknown"),
            (change.get("before_sensitive"), change.get("after_sensitive")),
            "",
        )
    ]
    named = tuple(sorted(found, key=lambda pair: not _forced(pair[0], forcing)))
    return tuple(words for _, words in named)


def _forced(place: str, forcing: set[str]) -> bool:
    return any(place == each or place.startswith((f"{each}.", f"{each}[")) for each in forcing)


def _place(path: Sequence[str | int]) -> str:
    place = ""
    for part in path:
        place = _below(place, part)
    return place


def _below(place: str, part: str | int) -> str:
    if isinstance(part, int):
        return f"{place}[{part}]"
    return f"{place}.{part}" if place else part


def _differing(
    before: Json, after: Json, unknown: Json, sensitive: tuple[Json, Json], place: str
) -> Iterator[tuple[str, str]]:
    """Every place below which the two sides differ, with both values in words."""
    if True in sensitive:
        if before != after or unknown:
            yield place, f"{_HIDDEN} differs"
        return
    if unknown is True:
        yield place, f"{_short(before)} → {_LATER}"
        return
    before, after = _parsed(before, after)
    keys = _keys(before, after, unknown)
    if keys is None:
        if before != after and (before or after or _is_scalar(before, after)):
            yield place, _told(before, after, sensitive)
        return
    for key in keys:
        parts = (_part(sensitive[0], key), _part(sensitive[1], key))
        yield from _differing(
            _part(before, key), _part(after, key), _part(unknown, key), parts, _below(place, key)
        )


def _parsed(before: Json, after: Json) -> tuple[Json, Json]:
    """Documents in a text (policies, containers) are compared as what they are."""
    if not (isinstance(before, str) and isinstance(after, str) and before != after):
        return before, after
    try:
        pair = json.loads(before), json.loads(after)
    except ValueError:
        return before, after
    return pair if all(isinstance(each, dict | list) for each in pair) else (before, after)


def _keys(before: Json, after: Json, unknown: Json) -> list[str] | list[int] | None:
    """What to look at below these values; None when they are compared as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        later = unknown if isinstance(unknown, dict) else {}
        return sorted(before.keys() | after.keys() | later.keys())
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return list(range(len(before)))
    return None


def _is_scalar(before: Json, after: Json) -> bool:
    """Whether one of them is a value of its own, like 0 or false, instead of nothing at all."""
    return any(isinstance(each, bool | int | float) for each in (before, after))


def _part(value: Json, key: str | int) -> Json:
    """What lies under a key; a mark on the whole is a mark on every part."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if key < len(value) else None
    return True if value is True else None


def _told(before: Json, after: Json, sensitive: tuple[Json, Json]) -> str:
    """Both values; of two long lists what came and what went, since their beginnings look alike.

    Lists of different lengths are compared as a whole, so that one secret part hides it all.
    """
    if any(map(_marked, sensitive)):
        return f"{_HIDDEN} differs"
    words = _short(before), _short(after)
    if isinstance(before, list) and isinstance(after, list) and any(_CUT in each for each in words):
        gone = [f"- {_short(each)}" for each in before if each not in after]
        come = [f"+ {_short(each)}" for each in after if each not in before]
        if gone or come:
            return ", ".join((*gone, *come))
    return " → ".join(words)


def _marked(sensitive: Json) -> bool:
    """Whether a part is sensitive, at any depth."""
    if isinstance(sensitive, dict | list):
        parts = sensitive.values() if isinstance(sensitive, dict) else sensitive
        return any(map(_marked, parts))
    return sensitive is True


def _short(value: Json) -> str:
    """A value in few words: both ends of a long one, since names often differ in the last part."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    half = _LONGEST_VALUE // 2
    return text if len(text) <= _LONGEST_VALUE else f"{text[:half]}{_CUT}{text[-half:]}"

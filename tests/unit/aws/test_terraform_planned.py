"""What a plan of Terraform says, resource by resource."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairway.targets.aws.terraform.planned import (
    differences,
    drifted,
    losing_data,
    resource_changes,
)

SERVICE = 'module.services["orbit"].aws_ecs_service.this["r7"]'


def entry(address: str, actions: list[str], **change: Any) -> dict[str, Any]:
    kind = address.split(".")[-2]
    reason = {"action_reason": change.pop("why")} if "why" in change else {}
    return {
        "address": address, "mode": "managed", "type": kind, "change": {
            "actions": actions, "before": None, "after": None, "after_unknown": {},
            "before_sensitive": False, "after_sensitive": False, **change,
        }, **reason,
    }  # fmt: skip


def plan(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"resource_changes": list(entries)}


def test_changes_come_by_service_and_what_stays_is_left_out() -> None:
    found = resource_changes(
        plan(
            entry(SERVICE, ["create"]),
            entry("module.networking.aws_vpc.this", ["no-op"]),
            entry("module.networking.aws_subnet.a", ["create"]),
            entry('module.kms["axon"].aws_kms_key.this', ["update"]),
            entry("aws_iam_role.x", ["forget"]),
        )
    )
    assert [(each.service, each.kind, each.action) for each in found] == [
        ("", "aws_subnet", "create"),
        ("axon", "aws_kms_key", "update"),
        ("orbit", "aws_ecs_service", "create"),
    ]


def test_reasons_name_what_differs_down_to_the_place() -> None:
    before = {"cpu": 256, "tags": {"a": "1"}, "list": [1, 2], "same": 1}
    after = {"cpu": 512, "tags": {"a": "1", "b": "2"}, "list": [1, 3], "same": 1}
    change = {"before": before, "after": after, "after_unknown": {"arn": True}}
    assert differences(change) == (
        "arn: none → (known after apply)",
        "cpu: 256 → 512",
        "list[1]: 2 → 3",
        "tags.b: none → 2",
    )


def test_documents_within_a_text_are_compared_inside() -> None:
    def containers(image: str) -> str:
        return json.dumps([{"name": "app", "image": image}])

    change = {"before": {"c": containers("a:1")}, "after": {"c": containers("a:2")}}
    assert differences(change) == ("c[0].image: a:1 → a:2",)


def test_of_a_long_list_only_what_came_and_what_went_is_told() -> None:
    series = [["AWS/ECS", "CPUUtilization", "ServiceName", f"orbit-r{n}"] for n in (1, 2, 3)]
    change = {"before": {"m": series[:2]}, "after": {"m": series[:1] + series[2:] + [["x"]]}}
    (told,) = differences(change)
    assert [told.count(sign) for sign in ("- [", "+ [")] == [1, 2]
    assert "orbit-r1" not in told and "orbit-r2" in told and "orbit-r3" in told


def test_a_secret_in_one_of_two_lists_of_different_lengths_is_never_shown() -> None:
    change = {
        "before": {"keys": ["a"]}, "after": {"keys": ["a", "hush"]},
        "after_sensitive": {"keys": [False, True]},
    }  # fmt: skip
    assert differences(change) == ("keys: (sensitive) differs",)


def test_what_forces_a_replacement_stands_first() -> None:
    change = {
        "before": {"a": 1, "subnets": ["x"]}, "after": {"a": 2, "subnets": ["y", "z"]},
        "replace_paths": [["subnets"]],
    }  # fmt: skip
    assert differences(change) == (
        'subnets: ["x"] → ["y","z"] (forces replacement)',
        "a: 1 → 2",
    )


@given(st.text(min_size=4), st.text(min_size=4))
def test_a_sensitive_value_is_never_shown(before: str, after: str) -> None:
    change = {
        "before": {"password": f"#{before}#", "n": 1}, "after": {"password": f"#{after}#", "n": 1},
        "before_sensitive": {"password": True}, "after_sensitive": {},
    }  # fmt: skip
    expected = ("password: (sensitive) differs",) if before != after else ()
    assert differences(change) == expected


def test_a_mark_on_the_whole_hides_every_part() -> None:
    change = {"before": {"a": "x"}, "after": {"a": "y"}, "before_sensitive": True}
    assert "x" not in " ".join(differences(change)).replace("(sensitive) differs", "")


def test_deletions_of_data_and_of_what_serves_are_destructive() -> None:
    found = resource_changes(
        plan(
            entry("module.db.aws_db_instance.this", ["delete"], why="delete_because_no_module"),
            entry(SERVICE, ["delete", "create"]),
            entry("aws_iam_role.x", ["delete"]),
            entry("aws_s3_bucket.data", ["create", "delete"]),
            entry("aws_s3_bucket.other", ["update"]),
        )
    )
    marked = {each.address for each in found if each.destructive}
    assert marked == {"module.db.aws_db_instance.this", SERVICE, "aws_s3_bucket.data"}
    assert {each.address for each in losing_data(found)} == marked - {SERVICE}
    [gone] = [each for each in found if each.kind == "aws_db_instance"]
    assert gone.reasons == ("its module is there no longer",)


def test_many_reasons_are_cut_short() -> None:
    before = {f"k{n:02}": 0 for n in range(20)}
    [found] = resource_changes(
        plan(entry(SERVICE, ["update"], before=before, after=dict.fromkeys(before, 1)))
    )
    assert len(found.reasons) == 9
    assert found.reasons[-1] == "and 12 more"


def test_drift_is_read_from_its_own_list() -> None:
    document = {"resource_drift": [entry(SERVICE, ["update"], before={"a": 1}, after={"a": 2})]}
    assert [each.reasons for each in drifted(document)] == [("a: 1 → 2",)]
    assert resource_changes(document) == ()


def test_another_order_of_a_set_is_no_drift() -> None:
    bad, all_ = {"id": "bad", "unit": None, "stat": "Sum"}, {"id": "all", "unit": None, "stat": ""}
    read = [{"id": "all", "unit": "", "stat": ""}, {"id": "bad", "unit": "", "stat": "Sum"}]
    alarm = 'module.observability.aws_cloudwatch_metric_alarm.this["a"]'
    told = entry(alarm, ["update"], before={"q": [bad, all_]}, after={"q": read})
    assert drifted({"resource_drift": [told]}) == ()
    moved = [read[0], read[1] | {"stat": "Average"}]
    (found,) = drifted(
        {
            "resource_drift": [
                entry(alarm, ["update"], before={"q": [bad, all_]}, after={"q": moved})
            ]
        }
    )
    assert found.reasons == ("q[0].stat: Sum → Average",)


def test_what_the_provider_reads_where_it_was_told_nothing_is_no_drift() -> None:
    before, after = {"query": [{"period": None}]}, {"query": [{"period": 0}]}
    assert (
        drifted({"resource_drift": [entry(SERVICE, ["update"], before=before, after=after)]}) == ()
    )
    back = entry(SERVICE, ["update"], before=after, after={"query": []})
    assert drifted({"resource_drift": [back]}) != ()

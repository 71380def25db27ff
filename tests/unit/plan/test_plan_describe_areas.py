"""Resources by area, as `fairway bootstrap --plan` shows them."""

from __future__ import annotations

import pytest

from fairway.plan.describe_areas import area_of, by_area
from fairway.plan.preview import ResourceChange


def made(kind: str, count: int = 1) -> list[ResourceChange]:
    return [ResourceChange("", kind, f"{kind}.this[{i}]", "create") for i in range(count)]


def test_areas_are_counted_and_the_largest_comes_first() -> None:
    changes = [*made("aws_db_instance"), *made("aws_subnet", 6), *made("aws_vpc")]
    network, database = by_area(changes)
    assert network.split() == ["+", "network", "7", "6", "subnet,", "vpc"]
    assert database.split() == ["+", "database", "1", "db_instance"]


def test_what_goes_is_named() -> None:
    gone = ResourceChange(
        "", "aws_s3_bucket", "module.state.aws_s3_bucket.this", "delete", (), True
    )
    told = "\n".join(by_area([*made("aws_vpc"), gone]))
    assert "- module.state.aws_s3_bucket.this  DESTRUCTIVE" in told


@pytest.mark.parametrize(
    ("kind", "area"),
    [
        ("aws_route53_record", "way in"),
        ("aws_route_table", "network"),
        ("aws_lb_listener", "way in"),
        ("aws_iam_role", "permissions"),
        ("aws_something_new", "other"),
    ],
)
def test_a_kind_is_in_one_area(kind: str, area: str) -> None:
    assert area_of(kind) == area

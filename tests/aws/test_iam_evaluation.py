"""The evaluator itself, on the cases that the documentation of IAM describes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.aws.iam_evaluation import Document, Policies, Request, allowed

ROLE = "arn:aws:iam::123456789012:role/orbit"
OTHER = "arn:aws:iam::123456789012:role/axon"
ROOT = "arn:aws:iam::123456789012:root"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"
ONLY_ROLE = {"ArnEquals": {"aws:PrincipalArn": ROLE}}


def policy(*statements: dict[str, Any]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


GET = Request(ROLE, "s3:GetObject", "arn:aws:s3:::config/mesh/orbit/r1")


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        (Policies(()), False),
        (Policies((policy(allow("s3:GetObject")),)), True),
        (Policies((policy(allow("s3:*")),)), True),
        (Policies((policy(allow("s3:GetObject", "arn:aws:s3:::config/mesh/orbit/*")),)), True),
        (Policies((policy(allow("s3:GetObject", "arn:aws:s3:::config/mesh/axon/*")),)), False),
        (Policies((policy(allow("s3:GetObject")),), boundary=policy()), False),
        (Policies((), boundary=policy(allow("s3:GetObject"))), False),
        (
            Policies(
                (policy(allow("s3:GetObject")),),
                resource=policy(
                    {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": "*"}
                ),
            ),
            False,
        ),
        (Policies((), resource=policy(allow("s3:GetObject", Principal={"AWS": ROLE}))), True),
        (Policies((), resource=policy(allow("s3:GetObject", Principal={"AWS": OTHER}))), False),
    ],
)
def test_role_boundary_and_resource(policies: Policies, expected: bool) -> None:
    assert allowed(GET, policies) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "b", False),
        ("StringEquals", "a", None, False),
        ("StringNotEquals", "a", None, True),
        ("StringEqualsIfExists", "a", None, True),
        ("ForAllValues:StringLike", "orbit#*", ("orbit#r1", "orbit#r2"), True),
        ("ForAllValues:StringLike", "orbit#*", ("orbit#r1", "axon#r2"), False),
        ("ForAnyValue:StringEquals", "a", ("a", "b"), True),
        ("Bool", "true", "false", False),
    ],
)
def test_conditions(
    operator: str, wanted: str, given: str | tuple[str, ...] | None, expected: bool
) -> None:
    only = policy(allow("s3:GetObject", Condition={operator: {"k": wanted}}))
    context = {} if given is None else {"k": given}
    asked = Request(ROLE, GET.action, GET.resource, context)
    assert allowed(asked, Policies((only,))) is expected


def test_an_unknown_operator_is_not_passed_over() -> None:
    only = policy(allow("s3:GetObject", Condition={"IpAddress": {"k": "1"}}))
    with pytest.raises(NotImplementedError):
        allowed(Request(ROLE, GET.action, GET.resource, {"k": "1"}), Policies((only,)))


@pytest.mark.parametrize(
    ("key_policy", "by_role", "expected"),
    [
        (policy(allow("kms:Decrypt", Principal={"AWS": ROLE})), False, True),
        (policy(allow("kms:Decrypt", Principal={"AWS": OTHER})), True, False),
        (policy(allow("kms:*", Principal={"AWS": ROOT})), True, True),
        (policy(allow("kms:*", Principal={"AWS": ROOT})), False, False),
        (policy(allow("kms:*", Principal={"AWS": ROOT}, Condition=ONLY_ROLE)), True, True),
        (policy(allow("kms:*", Principal={"AWS": ROOT}, Condition=ONLY_ROLE)), False, False),
        (policy(allow("kms:*", Principal={"AWS": "*"}, Condition=ONLY_ROLE)), False, True),
        (policy(), True, False),
    ],
)
def test_a_key_is_used_by_whom_its_own_policy_lets(
    key_policy: Document, by_role: bool, expected: bool
) -> None:
    identity = (policy(allow("kms:Decrypt")),) if by_role else ()
    asked = Request(ROLE, "kms:Decrypt", KEY)
    assert allowed(asked, Policies(identity, resource=key_policy)) is expected

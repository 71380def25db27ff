"""What Terraform and AWS say, and what people are told instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.errors import Conflict, FairwayError, NotFound, Refused, Unavailable
from fairway.targets.aws.terraform.addresses import kind_of, service_of
from fairway.targets.aws.terraform.diagnoses import aws_code, error_of
from fairway.targets.aws.terraform.environment import child_environment, masked
from fairway.targets.aws.terraform.locks import Run, left_by, lock_in
from fairway.targets.aws.terraform.messages import Diagnostic, Progress, message_in

LOCKED = """Error message: operation error S3: PutObject, https response error StatusCode: 412, \
RequestID: yMdc, HostID: 9Gjj=, api error PreconditionFailed: At least one of the pre-conditions \
you specified did not hold
Lock Info:
  ID:        dd4b97bc-5d0f-2da2-7f9b-ab1c3fd3a3d3
  Path:      state/a/b.tfstate
  Operation: OperationTypeApply
  Who:       ann@laptop
  Version:   1.11.4
  Created:   2026-11-20 11:40:07.371394 +0000 UTC
  Info:


Terraform acquires a state lock to protect the state from being written"""
SERVICE = 'module.services["orbit"].aws_ecs_service.this["r7"]'


def said(**more: Any) -> str:
    return json.dumps({"@level": "info", "@message": "…", **more})


def failing(code: str, address: str = SERVICE, status: int = 400) -> Diagnostic:
    words = (
        "creating ECS Service (r7): operation error ECS: CreateService, https response error "
        f"StatusCode: {status}, RequestID: 0a1b, {code}: the words of AWS"
    )
    return Diagnostic("error", words, "", address)


@pytest.mark.parametrize(
    ("address", "service", "kind"),
    [
        (SERVICE, "orbit", "aws_ecs_service"),
        ('module.kms["axon"].aws_kms_key.this', "axon", "aws_kms_key"),
        ('module.events.aws_sqs_queue.this["a.b"]', "", "aws_sqs_queue"),
        ('aws_lb_target_group.slot["orbit"]', "orbit", "aws_lb_target_group"),
        ('data.aws_route53_zone.this["orbit"]', "orbit", "aws_route53_zone"),
        ("module.networking.aws_vpc.this", "", "aws_vpc"),
        ("module.networking.aws_subnet.public[0]", "", "aws_subnet"),
    ],
)
def test_an_address_names_service_and_type(address: str, service: str, kind: str) -> None:
    assert (service_of(address), kind_of(address)) == (service, kind)


def test_progress_is_said_in_words() -> None:
    line = said(
        type="apply_progress",
        hook={"resource": {"addr": SERVICE}, "action": "create", "elapsed_seconds": 12},
    )
    found = message_in(line)
    assert isinstance(found, Progress)
    assert found.words == "creating aws_ecs_service of orbit (r7) … 12 s"


@given(st.text())
def test_any_line_can_be_heard(line: str) -> None:
    assert message_in(line) is None


@pytest.mark.parametrize("line", ["[]", "1", '{"type": "log"}', said(type="new_in_2030")])
def test_what_is_not_known_is_passed_over(line: str) -> None:
    assert message_in(line) is None


def test_a_diagnostic_keeps_its_place() -> None:
    line = said(
        type="diagnostic", diagnostic={"severity": "error", "summary": "no", "address": SERVICE}
    )
    assert message_in(line) == Diagnostic("error", "no", "", SERVICE)


@pytest.mark.parametrize(
    ("code", "kind", "named"),
    [
        ("api error AccessDeniedException", Refused, "aws-access-denied"),
        ("api error ExpiredToken", Unavailable, "aws-credentials-expired"),
        ("api error InvalidClientTokenId", Refused, "aws-credentials-invalid"),
        ("ThrottlingException", Unavailable, "aws-throttled"),
        ("api error ServiceUnavailable", Unavailable, "aws-unreachable"),
        ("api error VpcLimitExceeded", Refused, "aws-quota"),
        ("TooManyLoadBalancersException", Refused, "aws-quota"),
        ("ResourceExistsException", Conflict, "aws-already-exists"),
        ("api error InvalidGroup.Duplicate", Conflict, "aws-already-exists"),
        ("EntityAlreadyExists", Conflict, "aws-already-exists"),
        ("NoSuchHostedZone", NotFound, "hosted-zone-missing"),
        ("api error DependencyViolation", Conflict, "aws-still-in-use"),
        ("SomethingNew", FairwayError, "terraform-failed"),
    ],
)
def test_the_code_of_aws_decides(code: str, kind: type[FairwayError], named: str) -> None:
    error = error_of([failing(code)])
    assert (type(error), error.code) == (kind, named)
    assert error.where == f"orbit, {SERVICE}"
    assert error.remedy
    assert "RequestID" not in error.message


def test_a_new_account_that_cannot_reserve_functions_is_told_so() -> None:
    words = (
        "setting Lambda Function (shop-prod-governance) concurrency: operation error Lambda: "
        "PutFunctionConcurrency, https response error StatusCode: 400, RequestID: 1, "
        "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function "
        "decreases account's UnreservedConcurrentExecution below its minimum value of [10]."
    )
    error = error_of([Diagnostic("error", words)])
    assert (type(error), error.code) == (Refused, "aws-quota")
    assert "Concurrent executions" in error.remedy


def test_a_misleading_sentence_decides_nothing() -> None:
    words = "creating: AccessDenied and ThrottlingException are only words here"
    assert error_of([Diagnostic("error", words)]).code == "terraform-failed"
    assert aws_code(Diagnostic("error", words)) == ""


def test_a_code_of_the_older_sdk_is_read_too() -> None:
    words = "AccessDenied: User is not authorized\n\tstatus code: 403, request id: 1"
    assert aws_code(Diagnostic("error", words)) == "AccessDenied"


@pytest.mark.parametrize(("status", "retry"), [(0, True), (503, True), (400, False)])
def test_no_answer_is_worth_a_retry(status: int, retry: bool) -> None:
    words = f"reading: https response error StatusCode: {status}, RequestID: , request send failed"
    assert isinstance(error_of([Diagnostic("error", words)]), Unavailable) is retry


def test_the_error_that_explains_the_others_is_told_first() -> None:
    found = error_of([failing("SomethingNew"), failing("api error ExpiredToken", "")])
    assert found.code == "aws-credentials-expired"
    assert "and 1 more error" in found.message


def test_a_missing_bucket_is_the_states_unless_a_resource_says_so() -> None:
    assert error_of([failing("NoSuchBucket", "")]).code == "state-missing"
    assert error_of([failing("NoSuchBucket")]).code == "aws-not-found"


@pytest.mark.parametrize(
    ("summary", "address", "code"),
    [
        ("No valid credential sources found", "", "aws-credentials-missing"),
        ("Failed to query available provider packages", "", "providers-unreachable"),
        ("Saved plan is stale", "", "stale-plan"),
        ("no matching Route 53 Hosted Zone found", "data.aws_route53_zone.z",
         "hosted-zone-missing"),
        ("Instance cannot be destroyed", "aws_s3_bucket.b", "resource-protected"),
    ],
)  # fmt: skip
def test_terraforms_own_errors_have_remedies(summary: str, address: str, code: str) -> None:
    error = error_of([Diagnostic("error", summary, "", address)])
    assert error.code == code
    assert error.remedy


def test_an_error_without_a_diagnostic_is_still_one() -> None:
    error = error_of((), "panic: it broke", "apply")
    assert isinstance(error, Unavailable)
    assert "panic: it broke" in error.message


def test_a_lock_is_reported_with_its_owner() -> None:
    error = error_of([Diagnostic("error", "Error acquiring the state lock", LOCKED)])
    assert isinstance(error, Conflict)
    assert "ann@laptop has held it since 2026-11-20 11:40:07 UTC, for apply" in error.message
    assert error.where == "state/a/b.tfstate"


def test_a_text_without_a_lock_has_none() -> None:
    assert lock_in("no lock here") is None


def test_only_a_lock_taken_after_the_dead_run_began_is_its_own() -> None:
    lock = lock_in(LOCKED)
    assert lock is not None
    run = Run(7, 1.0, "ann@laptop", "apply", lock.created - 1)
    assert left_by(lock, run)
    assert not left_by(lock, Run(7, 1.0, "bob@laptop", "apply", lock.created - 1))
    assert not left_by(lock, Run(7, 1.0, "ann@laptop", "apply", lock.created + 60))


def test_only_what_terraform_needs_is_passed_on(tmp_path: Any) -> None:
    given = {
        "PATH": "/bin", "AWS_PROFILE": "p", "TF_CLI_CONFIG_FILE": "rc", "TF_LOG": "trace",
        "TF_VAR_x": "1", "TF_CLI_ARGS_apply": "-auto-approve", "DATABASE_URL": "secret",
    }  # fmt: skip
    passed = child_environment(given, tmp_path)
    assert {"PATH", "AWS_PROFILE", "TF_CLI_CONFIG_FILE"} <= passed.keys()
    assert not {"TF_LOG", "TF_VAR_x", "TF_CLI_ARGS_apply", "DATABASE_URL"} & passed.keys()
    assert passed["TF_PLUGIN_CACHE_DIR"] == str(tmp_path)


def test_credentials_are_hidden() -> None:
    variables = {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI", "AWS_REGION": "eu-central-1"}
    assert masked("key wJalrXUtnFEMI in eu-central-1", variables) == "key (hidden) in eu-central-1"

"""Errors of AWS say what, where and what to do, and are of the right kind."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
)

from fairway.errors import Conflict, FairwayError, InvalidInput, NotFound, Refused, Unavailable
from fairway.targets.aws.clients import Clients, code_of, telling


def told(error: Exception) -> FairwayError:
    with pytest.raises(FairwayError) as found, telling("list tasks", where="eu-central-1"):
        raise error
    assert found.value.__cause__ is error
    assert found.value.remedy
    assert found.value.where == "eu-central-1"
    return found.value


def answered(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "ListTasks")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", Unavailable),
        ("SlowDown", Unavailable),
        ("ExpiredToken", Unavailable),
        ("AccessDeniedException", Refused),
        ("InvalidClientTokenId", Refused),
        ("ConditionalCheckFailedException", Conflict),
        ("ResourceNotFoundException", NotFound),
        ("NoSuchBucket", NotFound),
        ("404", NotFound),
        ("ValidationException", InvalidInput),
    ],
)
def test_the_code_decides_the_kind(code: str, kind: type[FairwayError]) -> None:
    error = told(answered(code))
    assert type(error) is kind
    assert code_of(error) == code


def test_who_may_not_do_what() -> None:
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/ci/me is not authorized to perform: "
        "ecs:ListTasks on resource: *"
    )
    error = told(answered("AccessDeniedException", message))
    assert "arn:aws:sts::123456789012:assumed-role/ci/me may not ecs:ListTasks" in error.message
    assert "ecs:ListTasks" in error.remedy


def test_without_credentials() -> None:
    assert told(NoCredentialsError()).code == "aws-credentials-missing"
    assert isinstance(told(NoCredentialsError()), Refused)
    assert told(ProfileNotFound(profile="prod")).code == "aws-profile-missing"


def test_an_endpoint_that_does_not_answer_is_worth_another_try() -> None:
    error = told(EndpointConnectionError(endpoint_url="https://ecs.example"))
    assert type(error) is Unavailable


def test_no_error_tells_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    client = Clients({"*": "http://127.0.0.1:9"}).of("sts", "eu-central-1")
    client.meta.config.retries = {"total_max_attempts": 1}
    with pytest.raises(Unavailable) as found, telling("ask"):
        client.get_caller_identity()
    assert "hunter2" not in str(found.value)
    assert "AKIAEXAMPLE" not in str(found.value)

"""The clients of boto3, and AWS's errors as Fairway's.

Used by everything of this target that talks to AWS; no other module imports boto3 or botocore. The
library is the extra `fairway[aws]`. Calls block, so they run in threads; errors say what was
asked for, by whom, and what to do. Credentials are in none of them: what a vendor's error says
about a request is not passed on, only its code and its sentence.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from fairway.errors import Conflict, FairwayError, InvalidInput, NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

_ATTEMPTS = 6
"""Tries of one call in all: the SDK itself waits and repeats when it is throttled."""
_CONNECTIONS = 32
_SLOW_DOWN = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    "RequestLimitExceeded", "SlowDown", "ProvisionedThroughputExceededException",
    "TransactionInProgressException", "PriorRequestNotComplete", "BandwidthLimitExceeded",
    "ServiceUnavailable", "ServiceUnavailableException", "InternalError", "InternalFailure",
    "InternalServerError", "RequestTimeout", "RequestTimeoutException",
})  # fmt: skip
_FORBIDDEN = frozenset({
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError",
    "AccessDeniedError", "Forbidden", "403", "KMS.AccessDeniedException", "NotAuthorized",
})  # fmt: skip
_EXPIRED = frozenset({
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired",
})  # fmt: skip
_UNKNOWN_KEY = frozenset({
    "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
    "SignatureDoesNotMatch", "AuthFailure", "IncompleteSignature", "MissingAuthenticationToken",
})  # fmt: skip
_CHANGED = frozenset({
    "ConditionalCheckFailedException", "TransactionCanceledException", "PreconditionFailed",
    "TransactionConflictException", "ResourceInUse", "ResourceInUseException",
    "ResourceExistsException", "OptimisticLockException", "ConflictException",
})  # fmt: skip
_KINDS: tuple[tuple[frozenset[str], tuple[type[FairwayError], str, str, str]], ...] = (
    (
        _EXPIRED,
        (
            Unavailable,
            "aws-credentials-expired",
            "the credentials of AWS have expired",
            "sign in again (aws sso login) and repeat; what was done is not lost",
        ),
    ),
    (
        _UNKNOWN_KEY,
        (
            Refused,
            "aws-credentials-invalid",
            "AWS does not know the credentials",
            "check AWS_PROFILE or the AWS_* variables, and the clock of this machine",
        ),
    ),
    (_SLOW_DOWN, (Unavailable, "aws-busy", "", "it is tried again")),
    (_CHANGED, (Conflict, "aws-conflict", "", "try again")),
)
_WHO = re.compile(r"(?:User|Role|Principal): (arn:\S+)")
_ACTION = re.compile(r"perform: ([\w-]+:\w+)")


class Clients:
    """Clients by service and region, made once; safe to use from several threads."""

    def __init__(self, endpoints: Mapping[str, str] | None = None) -> None:
        """`endpoints` by service, `*` for all others, where AWS's own are not meant."""
        self._endpoints = dict(endpoints or {})
        self._made: dict[tuple[str, str], Any] = {}
        self._account = ""
        self._making = threading.Lock()
        self._session: Any = None

    def of(self, service: str, region: str) -> Any:
        """The client of a service in a region; Unavailable without boto3 or credentials."""
        with self._making:
            found = self._made.get((service, region))
            if found is None:
                found = self._made[service, region] = self._new(service, region)
            return found

    def account(self, region: str) -> str:
        """The number of the account that the credentials belong to. Blocks."""
        if not self._account:
            with telling("find out whose account this is"):
                answer = self.of("sts", region).get_caller_identity()
            self._account = str(answer["Account"])
        return self._account

    def _new(self, service: str, region: str) -> Any:
        boto3, config = _boto3()
        if self._session is None:
            self._session = boto3.Session()
        endpoint = self._endpoints.get(service, self._endpoints.get("*"))
        return self._session.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            config=config(
                retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS},
                max_pool_connections=_CONNECTIONS,
                connect_timeout=5,
                read_timeout=30,
            ),
        )


def require_boto3() -> None:
    """Unavailable, with the remedy, where the library is not installed."""
    _boto3()


async def asked(doing: str, call: Callable[[], T], *, where: str = "") -> T:
    """What a blocking call of AWS answers; `doing` says in words what it is for."""

    def run() -> T:
        with telling(doing, where=where):
            return call()

    return await asyncio.to_thread(run)


@contextmanager
def telling(doing: str, *, where: str = "") -> Iterator[None]:
    """Errors of AWS inside become Fairway's; `doing` completes "could not …"."""
    _boto3()
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - the extra `aws`

    try:
        yield
    except ClientError as error:
        raise client_failure(error, doing, where) from error
    except BotoCoreError as error:
        raise _library_failure(error, doing, where) from error


def code_of(error: BaseException) -> str:
    """AWS's own code of an error: of a `ClientError`, or of what was made of one; else empty."""
    for each in (error, error.__cause__):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def client_failure(error: Any, doing: str, where: str = "") -> FairwayError:
    """What a `ClientError` is for Fairway, by its code."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", "")) or code
    if code in _FORBIDDEN:
        return _forbidden(error, doing, message, where)
    kind, name, words, remedy = _kind(code)
    sentence = f"could not {doing}: {words or message}"
    return kind(name, sentence, where=where, remedy=remedy)


def _kind(code: str) -> tuple[type[FairwayError], str, str, str]:
    """The class, its code, what is said instead of AWS's own sentence, and the remedy."""
    for codes, kind in _KINDS:
        if code in codes:
            return kind
    if code.startswith("NoSuch") or "NotFound" in code or code == "404":
        return (NotFound, "aws-not-found", "", "run `fairway bootstrap`, or deploy first")
    return (InvalidInput, "aws-refused", "", f"see what AWS says about {code}")


def _forbidden(error: Any, doing: str, message: str, where: str) -> Refused:
    """With the action and the role, where AWS tells them."""
    who, action = _WHO.search(message), _ACTION.search(message)
    asked_for = action[1] if action else str(getattr(error, "operation_name", "the call"))
    by = who[1] if who else "the role in use"
    return Refused(
        "aws-access-denied",
        f"could not {doing}: {by} may not {asked_for}",
        where=where,
        remedy=f"allow {asked_for} to it, or use the role that `fairway bootstrap` made",
    )


def _library_failure(error: BaseException, doing: str, where: str) -> FairwayError:
    from botocore import exceptions  # noqa: PLC0415 - the extra `aws`

    match error:
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return Refused(
                "aws-credentials-missing",
                f"could not {doing}: there are no credentials of AWS",
                where=where,
                remedy="sign in (aws sso login) and set AWS_PROFILE, or set the AWS_* variables",
            )
        case exceptions.ProfileNotFound():
            return InvalidInput(
                "aws-profile-missing",
                f"could not {doing}: {error}",
                where=where,
                remedy="set AWS_PROFILE to a profile of ~/.aws/config",
            )
        case exceptions.TokenRetrievalError() | exceptions.SSOError():
            return Unavailable(
                "aws-credentials-expired",
                f"could not {doing}: the session of AWS has ended",
                where=where,
                remedy="sign in again: aws sso login",
            )
        case _:
            return Unavailable(
                "aws-unreachable",
                f"could not {doing}: {type(error).__name__}",
                where=where,
                remedy="check the network and the region; it is tried again",
            )


def _boto3() -> tuple[Any, Any]:
    try:
        import boto3  # noqa: PLC0415 - the extra `aws`
        from botocore.config import Config  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(
            "boto3-missing",
            "this environment is on AWS, and the library boto3 is not installed here",
            remedy="pip install 'fairway[aws]'",
        ) from error
    return boto3, Config

"""What helps against which error of AWS and of Terraform: a table. Pure data and its look-up.

Keys are error codes of AWS ("Common errors" and the API references of the services) and Terraform's
constant summaries. `rank` orders several errors of one run: the smaller explains the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairway.errors import Conflict, FairwayError, InvalidInput, NotFound, Refused, Unavailable


@dataclass(frozen=True, slots=True)
class Remedy:
    """Which error it becomes, and what to do."""

    kind: type[FairwayError]
    code: str
    words: str
    rank: int = 5


FAILED = Remedy(
    FairwayError,
    "terraform-failed",
    "correct what it names, then repeat the command",
    8,
)
UNREACHABLE = Remedy(
    Unavailable, "aws-unreachable", "try again; see https://health.aws.amazon.com", 3
)
_MISSING = Remedy(
    Refused, "aws-credentials-missing",
    "log in (`aws sso login`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID", 0,
)  # fmt: skip
_EXPIRED = Remedy(
    Unavailable, "aws-credentials-expired",
    "log in again (`aws sso login`) and repeat the command; what was done is not lost", 0,
)  # fmt: skip
_INVALID = Remedy(
    Refused, "aws-credentials-invalid",
    "AWS does not know these credentials: see `aws sts get-caller-identity`", 0,
)  # fmt: skip
_DENIED = Remedy(
    Refused, "aws-access-denied",
    "allow this action to the role that deploys; the roles of `fairway bootstrap` have what is "
    "needed", 1,
)  # fmt: skip
_BUSY = Remedy(Unavailable, "aws-throttled", "AWS asks for patience: try again in a minute", 4)
_QUOTA = Remedy(
    Refused, "aws-quota", "have the quota raised (console: Service Quotas), then deploy again", 2
)
_EXISTS = Remedy(
    Conflict, "aws-already-exists",
    "something else owns this name: remove it, or take it over with `terraform import`",
)  # fmt: skip
_IN_USE = Remedy(
    Conflict, "aws-still-in-use", "remove what still uses it, or deploy again in a few minutes"
)
_WRONG = Remedy(
    InvalidInput, "aws-rejected", "AWS does not accept this value: correct it in the app file"
)
_ZONE = Remedy(
    NotFound, "hosted-zone-missing",
    "create the public hosted zone of the domain in Route 53, or name it: aws.hosted_zone", 2,
)  # fmt: skip
_CERTIFICATE = Remedy(
    Unavailable, "certificate-not-validated",
    "have the registrar's name servers of the domain point to its Route 53 zone, deploy again",
)  # fmt: skip
_STATE_MISSING = Remedy(NotFound, "state-missing", "make it: fairway bootstrap ENVIRONMENT", 0)
_SUBSCRIBE = Remedy(
    Refused, "aws-not-subscribed", "this account cannot use that service yet: enable it in AWS"
)
_GONE = Remedy(NotFound, "aws-not-found", "see `fairway drift`: what it refers to is gone")

_CODES: Mapping[str, Remedy] = {
    code: remedy
    for remedy, codes in (
        (_DENIED, "AccessDenied AccessDeniedException UnauthorizedOperation AuthorizationError "
                  "AuthorizationErrorException NotAuthorized KMSAccessDeniedException Forbidden"),
        (_EXPIRED, "ExpiredToken ExpiredTokenException RequestExpired"),
        (_INVALID, "InvalidClientTokenId UnrecognizedClientException SignatureDoesNotMatch "
                   "AuthFailure IncompleteSignature InvalidAccessKeyId InvalidSignatureException "
                   "MissingAuthenticationToken NotSignedUp"),
        (_BUSY, "Throttling ThrottlingException ThrottledException TooManyRequestsException "
                "RequestLimitExceeded SlowDown PriorRequestNotComplete RequestThrottled "
                "ProvisionedThroughputExceededException BandwidthLimitExceeded "
                "EC2ThrottledException RequestThrottledException TransactionInProgressException"),
        (UNREACHABLE, "InternalError InternalFailure InternalServerError ServiceUnavailable "
                      "InternalServerException ServiceUnavailableException ServerException "
                      "InternalServiceError RequestTimeout RequestTimeoutException Unavailable"),
        (_QUOTA, "LimitExceeded LimitExceededException MaximumExceeded "
                 "ServiceQuotaExceededException InsufficientCapacity "
                 "ResourceLimitExceededException StorageQuotaExceeded"),
        (_EXISTS, "BucketAlreadyExists BucketAlreadyOwnedByYou OperationAborted"),
        (_IN_USE, "DependencyViolation DeleteConflict ResourceInUse ResourceInUseException "
                  "BucketNotEmpty RepositoryNotEmptyException InvalidChangeBatch"),
        (_WRONG, "ValidationError ValidationException InvalidParameter InvalidInput "
                 "InvalidParameterException InvalidParameterValue InvalidParameterCombination "
                 "InvalidParameterValueException MalformedPolicyDocument MalformedPolicy "
                 "MalformedPolicyDocumentException InvalidArgument InvalidRequest "
                 "InvalidRequestException ClientException InvalidDomainName"),
        (_ZONE, "NoSuchHostedZone HostedZoneNotFound"),
        (_SUBSCRIBE, "OptInRequired SubscriptionRequiredException SubscriptionRequired"),
        (_GONE, "NoSuchBucket NotFound NotFoundException ResourceNotFoundException NoSuchEntity"),
    )
    for code in codes.split()
}  # fmt: skip
_ENDINGS: tuple[tuple[str, Remedy], ...] = (
    ("LimitExceeded", _QUOTA), ("LimitExceededException", _QUOTA), ("QuotaExceeded", _QUOTA),
    ("LimitExceededFault", _QUOTA), ("QuotaExceededFault", _QUOTA),
    ("AlreadyExists", _EXISTS), ("AlreadyExistsException", _EXISTS), (".Duplicate", _EXISTS),
    ("AlreadyExistsFault", _EXISTS), ("ExistsException", _EXISTS),
    (".NotFound", _GONE), ("NotFoundException", _GONE), ("NotFoundFault", _GONE),
)  # fmt: skip
_BEGINNINGS: tuple[tuple[str, Remedy], ...] = (("TooMany", _QUOTA), ("Duplicate", _EXISTS))
_FIELDS: Mapping[str, Remedy] = {
    "UnreservedConcurrentExecution": Remedy(
        Refused, "aws-quota",
        "have 'Concurrent executions' of Lambda raised to 1000 (console: Service Quotas; a new "
        "account has 10, which leaves nothing to reserve), then deploy again", 2,
    ),
}  # fmt: skip
"""Fields of AWS's APIs that are the whole reason where its code says no more than 'invalid'."""
_KINDS: Mapping[str, Remedy] = {
    "aws_route53_zone": _ZONE,
    "aws_acm_certificate_validation": _CERTIFICATE,
}

OWN_SUMMARIES: Mapping[str, Remedy] = {
    "No valid credential sources": _MISSING,
    "Failed to query available provider packages": Remedy(
        Unavailable, "providers-unreachable",
        "let this machine reach registry.terraform.io, or name a mirror in Terraform's CLI "
        "configuration (TF_CLI_CONFIG_FILE)", 0,
    ),
    "Failed to install provider": Remedy(
        Unavailable, "providers-unreachable",
        "see whether the disk is full and the registry or mirror can be reached", 0,
    ),
    "Unsupported Terraform Core version": Remedy(
        InvalidInput, "terraform-too-old", "install Terraform or OpenTofu 1.10 or newer", 0
    ),
    "Saved plan is stale": Remedy(
        Conflict, "stale-plan", "somebody else has changed the state: plan again", 0
    ),
    "Instance cannot be destroyed": Remedy(
        Refused, "resource-protected",
        "it holds data and is protected: `prevent_destroy` of its module has to be lifted by hand",
    ),
    "Failed to persist state": Remedy(
        Unavailable, "state-not-saved",
        "deploy again: what was done is kept here and is saved first", 0,
    ),
    "Failed to save state": Remedy(
        Unavailable, "state-not-saved",
        "deploy again: what was done is kept here and is saved first", 0,
    ),
    "Provider produced inconsistent": Remedy(
        FairwayError, "provider-defect", "deploy again; it is a defect of the provider: report it"
    ),
}  # fmt: skip
"""Terraform's own errors by the beginning of their summary."""


def of_code(code: str, *, of_resource: bool = True) -> Remedy | None:
    """What helps against an error code of AWS, said of a resource or of Terraform's own state."""
    if code == "NoSuchBucket" and not of_resource:
        return _STATE_MISSING
    if found := _CODES.get(code):
        return found
    for ending, remedy in _ENDINGS:
        if code.endswith(ending):
            return remedy
    return next((remedy for start, remedy in _BEGINNINGS if code.startswith(start)), None)


def of_field(text: str) -> Remedy | None:
    """What helps when AWS names a field that decides."""
    return next((remedy for field, remedy in _FIELDS.items() if field in text), None)


def of_kind(kind: str) -> Remedy | None:
    """What helps when a resource of this type fails, whatever AWS says."""
    return _KINDS.get(kind)

"""Would AWS allow it? A small evaluator of policies, for policies read back after an apply.

Within one account a request is allowed when no policy denies it, the permissions boundary of the
role allows it, and the role's own policies or the resource's policy allow it. A key of KMS is
stricter: its policy must name the role, or leave the decision to the account's IAM policies.
Source: IAM User Guide, "Policy evaluation logic" and "Permissions boundaries for IAM entities"; KMS
Developer Guide, "Key policies in AWS KMS".

Only what the policies below `infra/` use is known; anything else raises NotImplementedError, so
that a new operator cannot be passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Document = Mapping[str, Any]
Context = Mapping[str, str | tuple[str, ...]]
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to do what with which resource; `context` holds the keys of conditions."""

    principal: str
    action: str
    resource: str
    context: Context = field(default_factory=dict)

    @property
    def account_root(self) -> str:
        return f"arn:aws:iam::{self.principal.split(':')[4]}:root"


@dataclass(frozen=True, slots=True)
class Policies:
    """What decides about a request: of the role, its boundary, and of the resource."""

    identity: tuple[Document, ...]
    boundary: Document | None = None
    resource: Document | None = None


def allowed(request: Request, policies: Policies) -> bool:
    """Whether AWS would allow it."""
    every = [*policies.identity, policies.boundary, policies.resource]
    if any(_matches(request, document, "Deny") for document in every if document):
        return False
    if policies.boundary is not None and not _matches(request, policies.boundary, "Allow"):
        return False
    by_role = any(_matches(request, document, "Allow") for document in policies.identity)
    by_resource = policies.resource is not None and _matches(request, policies.resource, "Allow")
    if request.action.startswith("kms:"):
        return by_resource and (by_role or _named(request, policies.resource))
    return by_role or by_resource


def _matches(request: Request, document: Document, effect: str) -> bool:
    return any(
        statement["Effect"] == effect and _applies(request, statement)
        for statement in statements(document)
    )


def _named(request: Request, document: Document | None) -> bool:
    """Whether the resource's policy itself lets the role: by its ARN, or with everybody.

    With the account's root it only leaves the decision to policies of roles, whatever it asks for
    in conditions.
    """
    return any(
        statement["Effect"] == "Allow"
        and _applies(request, statement)
        and {"*", request.principal} & set(_principals(statement))
        for statement in statements(document or {})
    )


def _principals(statement: Mapping[str, Any]) -> tuple[str, ...]:
    named = statement.get("Principal", {})
    return _listed(named if isinstance(named, str) else named.get("AWS", ()))


def statements(document: Document) -> list[Mapping[str, Any]]:
    """The statements of a policy."""
    found: Any = document.get("Statement", [])
    return list(found) if isinstance(found, list) else [found]


def _applies(request: Request, statement: Mapping[str, Any]) -> bool:
    return (
        _principal(request, statement)
        and _one_of(request.action.lower(), statement, "Action", str.lower)
        and _one_of(request.resource, _with_variables(request, statement), "Resource", str)
        and all(
            _condition(operator, key, _listed(wanted), context_of(request).get(key))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def context_of(request: Request) -> Context:
    """The keys that every request has, and those given."""
    account = request.principal.split(":")[4]
    always = {
        "aws:PrincipalArn": request.principal,
        "aws:PrincipalAccount": account,
        "aws:SecureTransport": "true",
        "kms:CallerAccount": account,
    }
    return {**always, **request.context}


def _principal(request: Request, statement: Mapping[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        raise NotImplementedError("NotPrincipal")
    if "Principal" not in statement:
        return True
    named = statement["Principal"]
    if named == "*":
        return True
    account = request.principal.split(":")[4]
    ours = {"*", request.principal, request.account_root, account}
    return bool(ours & set(_listed(named.get("AWS", ()))))


def _one_of(value: str, statement: Mapping[str, Any], key: str, fold: Any) -> bool:
    if f"Not{key}" in statement:
        return not any(_like(value, fold(p)) for p in _listed(statement[f"Not{key}"]))
    return any(_like(value, fold(p)) for p in _listed(statement.get(key, ())))


def _with_variables(request: Request, statement: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the values of policy variables in its resources; one without a value names nothing."""
    known = context_of(request)

    def value(variable: re.Match[str]) -> str:
        found = known.get(variable[1])
        return found if isinstance(found, str) else "\0"

    return {
        key: [_VARIABLE.sub(value, each) for each in _listed(resources)]
        for key, resources in statement.items()
        if key in {"Resource", "NotResource"}
    }


def _condition(
    operator: str, key: str, wanted: tuple[str, ...], given: str | tuple[str, ...] | None
) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    if plain.endswith("IfExists"):
        if given is None:
            return True
        plain = plain.removesuffix("IfExists")
    if given is None:
        return quantifier == "ForAllValues" or "Not" in plain
    values = _listed(given)
    holds = [_holds(plain, value, wanted) for value in values]
    return any(holds) if quantifier == "ForAnyValue" else all(holds)


def _holds(operator: str, value: str, wanted: Iterable[str]) -> bool:
    match operator:
        case "StringEquals" | "ArnEquals":
            return value in wanted
        case "StringLike" | "ArnLike":
            return any(_like(value, pattern) for pattern in wanted)
        case "StringNotEquals" | "ArnNotEquals":
            return value not in wanted
        case "StringNotLike" | "ArnNotLike":
            return not any(_like(value, pattern) for pattern in wanted)
        case "Bool":
            return value in {str(each).lower() for each in wanted}
        case "Null":
            return "false" in {str(each).lower() for each in wanted}
        case _:
            raise NotImplementedError(operator)


def _like(value: str, pattern: str) -> bool:
    """IAM knows `*` and `?` only; a bracket means itself."""
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _listed(value: Any) -> tuple[str, ...]:
    return (str(value),) if isinstance(value, str | bool) else tuple(str(each) for each in value)

"""Feature flags of the app file, behind the OpenFeature API.

    from openfeature import api
    from fairway_runtime.flags import FairwayProvider, request_attributes
    api.set_provider(FairwayProvider.from_environment())
    ...
    context = EvaluationContext(user_id, request_attributes(request.headers))
    api.get_client().get_boolean_value("new-checkout", False, context)

The flags are a file (`$FAIRWAY_FLAGS_FILE`) that comes with the release and is read again when it
changes. For each flag: a header that names a variant decides, else the share of users (by the
targeting key, so a user keeps the variant and stays in it as the share grows), else the default.
Needs the extra `flags`. Specification: https://openfeature.dev/specification/
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, GeneralError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from fairway_runtime.watched import WatchedFile

HEADER_PREFIX = "header."
"""Attributes of the evaluation context that hold request headers begin with this."""
_FINEST = 10_000
"""Shares are told apart to a hundredth of a percent."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: values by variant, and who gets which."""

    name: str
    default: str
    variants: Mapping[str, Any]
    percent: Mapping[str, float]
    header: Mapping[str, Mapping[str, str]]

    def choose(self, key: str, headers: Mapping[str, str]) -> tuple[str, Reason]:
        """The variant for a user (empty: unknown) whose request has these headers, and why."""
        for name, by_value in self.header.items():
            variant = by_value.get(headers.get(name.lower(), ""))
            if variant is not None:
                return variant, Reason.TARGETING_MATCH
        if self.percent and key:
            return self._share(key), Reason.SPLIT
        return self.default, Reason.STATIC if not self.percent else Reason.DEFAULT

    def _share(self, key: str) -> str:
        """Variants take the lowest places first, so who has one keeps it as its share grows."""
        place = place_of(self.name, key)
        for variant, percent in self.percent.items():
            width = round(percent * _FINEST / 100)
            if place < width:
                return variant
            place -= width
        return self.default


def place_of(flag: str, key: str) -> int:
    """Where a user stands among 10,000 places; another order for each flag."""
    digest = hashlib.sha256(f"{flag}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _FINEST


def parse_flags(content: bytes) -> dict[str, Flag]:
    """The flags of a file; ValueError when it is none."""
    try:
        return {
            name: Flag(
                name, each["default"], each["variants"], each.get("percent", {}),
                each.get("header", {}),
            )
            for name, each in json.loads(content).items()
        }  # fmt: skip
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("not a file of flags") from error


def request_attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    """Request headers as attributes of an evaluation context."""
    return {f"{HEADER_PREFIX}{name.lower()}": value for name, value in headers.items()}


class FairwayProvider(AbstractProvider):
    """An OpenFeature provider on a file of flags."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._flags = WatchedFile(path, parse_flags)

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> FairwayProvider:
        """The flags of this service's release; GeneralError where there are none."""
        path = variables.get("FAIRWAY_FLAGS_FILE")
        if not path:
            raise GeneralError("FAIRWAY_FLAGS_FILE is not set: the app file declares no flags")
        return cls(Path(path))

    def get_metadata(self) -> Metadata:
        """How OpenFeature calls it."""
        return Metadata(name="fairway")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """A flag whose variants are true or false."""
        return self._resolve(flag_key, evaluation_context, bool)

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        """A flag whose variants are texts."""
        return self._resolve(flag_key, evaluation_context, str)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        """A flag whose variants are whole numbers."""
        return self._resolve(flag_key, evaluation_context, int)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        """A flag whose variants are numbers."""
        found = self._resolve(flag_key, evaluation_context, (int, float))
        return FlagResolutionDetails(float(found.value), variant=found.variant, reason=found.reason)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Any]:
        """A flag whose variants are lists or mappings."""
        return self._resolve(flag_key, evaluation_context, (list, dict))

    def _resolve(
        self,
        name: str,
        context: EvaluationContext | None,
        kind: type[T] | tuple[type[Any], ...],
    ) -> FlagResolutionDetails[Any]:
        flag = self._flags.current().get(name)
        if flag is None:
            raise FlagNotFoundError(f"the app file declares no flag '{name}'")
        around = context or EvaluationContext()
        variant, reason = flag.choose(around.targeting_key or "", _headers(around))
        value = flag.variants[variant]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise TypeMismatchError(f"'{name}' is {value!r} in the variant '{variant}'")
        return FlagResolutionDetails(value, variant=variant, reason=reason)


def _headers(context: EvaluationContext) -> dict[str, str]:
    return {
        name.removeprefix(HEADER_PREFIX): str(value)
        for name, value in context.attributes.items()
        if name.startswith(HEADER_PREFIX)
    }

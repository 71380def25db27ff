"""The environment of this process as data: 12-factor configuration, read once.

`fairway(app)`, `ServiceClient()` and `Secrets` take their settings from here, so that nothing
else reads `os.environ`. Pure: the mapping arrives as an argument. Every variable and its meaning
is in the README of the distribution. Wrong values are reported all at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, cast

from fairway_runtime.errors import InvalidConfiguration

T = TypeVar("T")
HealthMode = Literal["auto", "app", "library"]
LogFormat = Literal["json", "off"]

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment says. All defaults mean: Fairway is absent."""

    app: str = ""
    environment: str = ""
    service: str = ""
    release: str = ""
    replica: str = "0"
    identity_dir: Path | None = None
    policy_file: Path | None = None
    audit_dir: Path | None = None
    secrets_dir: Path | None = None
    secrets_aws_prefix: str | None = None
    secrets_refresh: float | None = None
    egress_url: str | None = None
    health: HealthMode = "auto"
    metrics: bool = False
    log_format: LogFormat = "json"
    log_level: str = "INFO"
    audit_allowed: float = 0.1
    audit_allowed_rate: int = 20
    body_limit: int = 2**20
    drain_timeout: float = 10.0
    drain_delay: float = 0.0
    replay_entries: int = 250_000
    otlp_endpoint: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; raises InvalidConfiguration naming every wrong variable."""
        reader = _Reader(os.environ if variables is None else variables)
        settings = cls(
            app=reader.text("FAIRWAY_APP"),
            environment=reader.text("FAIRWAY_ENVIRONMENT"),
            service=reader.text("FAIRWAY_SERVICE") or reader.text("OTEL_SERVICE_NAME"),
            release=reader.text("FAIRWAY_RELEASE"),
            replica=reader.text("FAIRWAY_REPLICA") or "0",
            identity_dir=reader.path("FAIRWAY_IDENTITY_DIR"),
            policy_file=reader.path("FAIRWAY_POLICY_FILE"),
            audit_dir=reader.path("FAIRWAY_AUDIT_DIR"),
            secrets_dir=reader.path("FAIRWAY_SECRETS_DIR"),
            secrets_aws_prefix=reader.variables.get("FAIRWAY_SECRETS_AWS_PREFIX"),
            secrets_refresh=reader.parsed("FAIRWAY_SECRETS_REFRESH", None, _seconds),
            egress_url=reader.text("FAIRWAY_EGRESS_URL") or None,
            health=cast(HealthMode, reader.choice("FAIRWAY_HEALTH", ("auto", "app", "library"))),
            metrics=reader.parsed("FAIRWAY_METRICS", False, _flag),
            log_format=cast(LogFormat, reader.choice("FAIRWAY_LOG_FORMAT", ("json", "off"))),
            log_level=reader.parsed("FAIRWAY_LOG_LEVEL", "INFO", _level),
            audit_allowed=reader.parsed("FAIRWAY_AUDIT_ALLOWED", 0.1, _share),
            audit_allowed_rate=reader.parsed("FAIRWAY_AUDIT_ALLOWED_RATE", 20, _rate),
            body_limit=reader.parsed("FAIRWAY_BODY_LIMIT", 2**20, _count),
            drain_timeout=reader.parsed("FAIRWAY_DRAIN_TIMEOUT", 10.0, _seconds),
            drain_delay=reader.parsed("FAIRWAY_DRAIN_DELAY", 0.0, _seconds),
            replay_entries=reader.parsed("FAIRWAY_REPLAY_ENTRIES", 250_000, _count),
            otlp_endpoint=_otlp_endpoint(reader),
            variables=reader.variables,
        )
        reader.finish()
        return settings

    @property
    def governed(self) -> bool:
        """Whether calls are verified and decided here: an identity was given."""
        return self.identity_dir is not None

    def url_of(self, callee: str) -> str | None:
        """The value of `$<CALLEE>_URL`, without a trailing slash."""
        found = self.variables.get(f"{callee.upper().replace('-', '_')}_URL")
        return found.rstrip("/") if found else None


class _Reader:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self._problems: list[str] = []

    def text(self, name: str) -> str:
        return self.variables.get(name, "")

    def path(self, name: str) -> Path | None:
        return Path(value) if (value := self.text(name)) else None

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name) or allowed[0]
        if value not in allowed:
            self._problems.append(f"{name} must be one of {', '.join(allowed)}")
        return value

    def parsed(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        value = self.text(name)
        if not value:
            return default
        try:
            return parse(value)
        except ValueError as error:
            self._problems.append(f"{name} {error}")
            return default

    def finish(self) -> None:
        if self._problems:
            raise InvalidConfiguration(
                "; ".join(self._problems),
                where="environment variables",
                remedy="correct or unset them",
            )


def _otlp_endpoint(reader: _Reader) -> str | None:
    if reader.text("OTEL_SDK_DISABLED").lower() == "true":
        return None
    return reader.text("OTEL_EXPORTER_OTLP_ENDPOINT") or None


def _flag(value: str) -> bool:
    lowered = value.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError("must be 1 or 0")


def _seconds(value: str) -> float:
    number = _number(value)
    if not 0 <= number <= 86_400:
        raise ValueError("must be a number of seconds between 0 and 86400")
    return number


def _share(value: str) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError("must be a share between 0 and 1")
    return number


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("must be a number") from None


def _count(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise ValueError("must be a whole number above 0")
    return int(value)


def _rate(value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise ValueError("must be a whole number, 0 or above")
    return int(value)


def _level(value: str) -> str:
    level = value.upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError("must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return level

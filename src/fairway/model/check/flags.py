"""Feature flags: every variant that is given to somebody exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.model.check.subject import Finding, Subject
from fairway.model.flags import FeatureFlag
from fairway.model.names import did_you_mean
from fairway.model.places import Path


def check_flags(subject: Subject) -> Iterator[Finding]:
    """Variants are declared, percentages fit into 100, environments change what is there."""
    if subject.environment is not None:
        return
    yield from _flags(subject.app.flags, ("flags",))
    for name, environment in subject.app.environments.items():
        path: Path = ("environments", name, "flags")
        yield from _flags(environment.flags, path)
        for flag in environment.flags:
            if flag not in subject.names("flags"):
                yield Finding(
                    (*path, flag),
                    "unknown-flag",
                    f"the flag '{flag}' is not declared",
                    did_you_mean(flag, subject.names("flags"), "declare it under flags"),
                    at_key=True,
                )


def _flags(flags: Mapping[str, FeatureFlag], path: Path) -> Iterator[Finding]:
    for name, flag in flags.items():
        at = (*path, name)
        for where, variant in _uses(flag):
            if variant not in flag.variants:
                yield Finding(
                    (*at, *where),
                    "unknown-variant",
                    f"the flag '{name}' has no variant '{variant}'",
                    did_you_mean(variant, flag.variants, "declare it under variants"),
                )
        if sum(flag.percent.values()) > 100:
            yield Finding(
                (*at, "percent"),
                "flag-percent",
                f"the percentages of the flag '{name}' are more than 100 together",
                "write percentages that add up to at most 100; the rest gets the default",
            )


def _uses(flag: FeatureFlag) -> Iterator[tuple[Path, str]]:
    """Every variant that is given to somebody, with its place."""
    yield ("default",), flag.default
    for variant in flag.percent:
        yield ("percent", variant), variant
    for header, by_value in flag.header.items():
        for value, variant in by_value.items():
            yield ("header", header, value), variant

"""Did Envoy take a file? Its statistics tell; its log tells why not.

A bad file is ignored silently by Envoy, which goes on with the old one: it only counts
`update_rejected` (understood, but wrong) or `update_failure` (not readable at all). A good one
shows up as `version_text`. Who calls it: whoever replaced a file. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fairway_runtime.agent.files import CDS, LDS, Json
from fairway_runtime.agent.rollout import Files

Statistics = Mapping[str, int | str]
"""Counters and gauges as numbers, text readouts (versions of files) as text."""

FILTER = r"\.(version_text|update_rejected|update_failure)$|warming_clusters|listeners_warming"
"""The statistics that are needed here, for Envoy's `/stats?filter=`."""

_REASON = re.compile(r"Filesystem config update (?:rejected|failure): (?P<text>.*)", re.DOTALL)
_ENTRY = re.compile(r"^\[\d{4}-\d\d-\d\d ", re.MULTILINE)
_DUMP = re.compile(r"goo\.gle/debug\w+")
"""Protobuf starts its dumps with one of several such words, so that nobody parses them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of some files: `rejected` by Envoy, `pending` until it has looked."""

    rejected: tuple[str, ...]
    pending: tuple[str, ...]
    warming: bool

    @property
    def taken(self) -> bool:
        """Everything is in force."""
        return not (self.rejected or self.pending or self.warming)


def verdict(files: Files, before: Statistics, now: Statistics) -> Verdict:
    """Compare the versions that were written with those in force; `before` is from before that."""
    pending = [name for name, file in files.items() if _version(name, now) != _wanted(file)]
    rejected = [name for name in pending if _refusals(name, now) > _refusals(name, before)]
    warming = any(
        _number(now, name)
        for name in ("cluster_manager.warming_clusters", "listener_manager.total_listeners_warming")
    )
    return Verdict(tuple(rejected), tuple(n for n in pending if n not in rejected), warming)


def statistics_prefix(file: str) -> str:
    """Where Envoy counts what became of a file."""
    kind, _, rest = file.removesuffix(".json").partition(".")
    match kind:
        case "rds":
            return f"http.{rest}.rds.{rest}"
        case "eds":
            return f"cluster.{rest}"
        case "sds":
            return f"sds.{rest}"
    if file == CDS:
        return "cluster_manager.cds"
    if file == LDS:
        return "listener_manager.lds"
    raise ValueError(f"Envoy does not watch {file}")


def reason_in_log(log: str) -> str:
    """Why Envoy refused, from what it has logged since; without its dump of the whole message."""
    for entry in reversed(_ENTRY.split(log)):
        if found := _REASON.search(entry):
            return " ".join(_without_dump(found["text"]).split())[:600]
    return "no reason in its log"


def _without_dump(text: str) -> str:
    """What comes before the dump of a message, and after it on a line that starts with a colon."""
    before, dump, rest = _first_split(_DUMP, text)
    if not dump:
        return text
    after = rest.strip().rpartition("\n")[2]
    return f"{before.strip(' :')} {after[1:] if after.startswith(':') else ''}"


def _first_split(pattern: re.Pattern[str], text: str) -> tuple[str, str, str]:
    found = pattern.search(text)
    if found is None:
        return text, "", ""
    return text[: found.start()], found.group(), text[found.end() :]


def _wanted(file: Json) -> str:
    return str(file["version_info"])


def _version(file: str, statistics: Statistics) -> str:
    return str(statistics.get(f"{statistics_prefix(file)}.version_text", ""))


def _refusals(file: str, statistics: Statistics) -> int:
    prefix = statistics_prefix(file)
    return sum(_number(statistics, f"{prefix}.update_{kind}") for kind in ("rejected", "failure"))


def _number(statistics: Mapping[str, int | str], name: str) -> int:
    value = statistics.get(name, 0)
    return value if isinstance(value, int) else 0

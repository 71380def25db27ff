"""An app file that is being written: plain data, and notes on what it could not hold."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from typing import Any

import yaml

from fairway.model.check.identities import GATEWAY
from fairway.model.values import NAME_LENGTH

_WIDEST = 10**6
_SECRET = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)", re.I)
_PASSWORD_IN_URL = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Imported:
    """The text of an app file, and what the user should know about it."""

    text: str
    notes: tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """What an importer fills: services and stores in the words of the app file."""

    app: str
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    stores: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Tell the user something, once."""
        if text not in self.notes:
            self.notes.append(text)

    def finished(self, source: str) -> Imported:
        """The draft as text; `source` is what it was made from."""
        data: dict[str, Any] = {"app": self.app, "services": self.services}
        if self.stores:
            data["stores"] = self.stores
        data["environments"] = {"local": {"target": "local"}}
        header = (
            f"# Made from {source} by 'fairway init'. Next: declare what each service offers\n"
            "# (intents) and whom it calls (calls): until then no service may call another.\n"
        )
        return Imported(header + _yaml(data), tuple(self.notes))


def name_from(text: str, taken: set[str]) -> str:
    """A valid name like `text` that is not in `taken`; the same for the same arguments."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    name = "-".join(words)[: NAME_LENGTH - 4].strip("-")
    if not name or not name[0].isalpha():
        name = f"s-{name}".strip("-")
    if name == GATEWAY:
        name = f"{GATEWAY}-service"
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def looks_secret(variable: str, value: object) -> bool:
    """Whether a variable's name, or a password in an address, should not stand in a file."""
    return bool(_SECRET.search(variable) or _PASSWORD_IN_URL.search(str(value)))


def _yaml(data: dict[str, Any]) -> str:
    """Each service as a paragraph of its own; what has no further inside stands on one line."""
    return "".join(
        f"{key}:\n{_paragraphs(value)}" if key == "services" else _entry(key, value)
        for key, value in data.items()
    )


def _paragraphs(services: dict[str, dict[str, Any]]) -> str:
    return "".join(
        f"  {name}:\n"
        + "".join(textwrap.indent(_entry(*entry), "    ") for entry in service.items())
        + "\n"
        for name, service in services.items()
    )


def _entry(key: str, value: object) -> str:
    # None: what holds only single values is written in braces; the entry itself never is.
    flow = None if isinstance(value, dict | list) else False
    return yaml.safe_dump(
        {key: value}, sort_keys=False, allow_unicode=True, width=_WIDEST, default_flow_style=flow
    )

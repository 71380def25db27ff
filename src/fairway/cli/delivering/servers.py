"""Shared environments: which server keeps one, and the token that this user has for it.

`door` and `fairway login` use it. `FAIRWAY_SERVER` and `FAIRWAY_TOKEN` come first, so that CI needs
no files; tokens of people are kept per server in a file that only they can read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fairway.cli.client import ControlClient
from fairway.cli.invocation import DEFAULT_ENVIRONMENT
from fairway.errors import InvalidInput, Refused, Unavailable

if TYPE_CHECKING:
    from fairway.workspace import Workspace

Variables = Mapping[str, str]


def server_of(workspace: Workspace, environment: str, variables: Variables) -> str | None:
    """The server that keeps an environment, None for one that is kept beside the app.

    `local` is always kept beside the app, whatever `FAIRWAY_SERVER` says. Raises NotFound for an
    environment that is not declared, Unavailable for one that runs elsewhere and has no server.
    """
    if environment == DEFAULT_ENVIRONMENT:
        return None
    if given := variables.get("FAIRWAY_SERVER"):
        return checked_url(given, "FAIRWAY_SERVER")
    from fairway.model.views import environment_view

    view = environment_view(workspace.loaded.app, environment)
    declared = view.environments[environment]
    if declared.server:
        return declared.server.rstrip("/")
    if declared.target == "local":
        return None
    raise Unavailable(
        "no-server",
        f"'{environment}' runs on {declared.target}, and nothing says which server keeps it",
        where=f"environments.{environment}.server",
        remedy=_how_to_have_one(environment, declared.target),
    )


def _how_to_have_one(environment: str, target: str) -> str:
    named = "name the address of its `fairway server` there, or in FAIRWAY_SERVER"
    if target != "aws-ecs":
        return named
    return f"{named}; `fairway bootstrap {environment}` makes one in its account"


def checked_url(text: str, where: str) -> str:
    """The address of a server without a slash at its end; raises InvalidInput for anything else."""
    parts = urlsplit(text)
    if parts.scheme in ("http", "https") and parts.hostname and not parts.query:
        return text.rstrip("/")
    raise InvalidInput(
        "invalid-server",
        f"{text!r} is not the address of a server",
        where=where,
        remedy="write it like this: https://fairway.example.com",
    )


def in_the_clear(url: str) -> bool:
    """Whether a token sent there can be read on the way: no TLS, and not this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_this_machine(parts.hostname or "")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of this user, by server. The file is 0600 from the moment that it exists."""

    file: Path

    @classmethod
    def of_user(cls, variables: Variables) -> Tokens:
        """In the user's configuration folder (XDG Base Directory Specification)."""
        base = variables.get("XDG_CONFIG_HOME") or ""
        folder = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
        return cls(folder / "fairway" / "tokens.json")

    def find(self, url: str) -> str | None:
        """The token for a server, None when there is none."""
        return self._read().get(url)

    def keep(self, url: str, token: str) -> None:
        """Remember a token."""
        self._write(self._read() | {url: token})

    def forget(self, url: str) -> bool:
        """Remove the token of a server; whether there was one."""
        known = self._read()
        found = known.pop(url, None) is not None
        if found:
            self._write(known)
        return found

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            found = None
        if isinstance(found, dict):
            return {str(url): str(token) for url, token in found.items()}
        raise InvalidInput(
            "damaged-tokens",
            "the file with your tokens is damaged",
            where=str(self.file),
            remedy="remove it, and log in again with `fairway login`",
        )

    def _write(self, tokens: Mapping[str, str]) -> None:
        from fairway.targets.local.layout import private_dir, write_private

        private_dir(self.file.parent)
        write_private(self.file, json.dumps(tokens, indent=2).encode())


def client_of(url: str, variables: Variables) -> ControlClient:
    """A client of a server with this user's token; raises Refused when there is none."""
    token = variables.get("FAIRWAY_TOKEN") or Tokens.of_user(variables).find(url)
    if token:
        return ControlClient(url, token)
    raise Refused(
        "not-logged-in",
        "there is no token for the server of this environment",
        where=url,
        remedy=f"set FAIRWAY_TOKEN, or log in with: fairway login {url}",
    )


def user_variables() -> Variables:
    """The variables of this process."""
    return os.environ

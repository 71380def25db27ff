"""The values of secrets on this machine: where the user's are kept, and who is given which.

`fairway secrets` sets them in a `SecretStore`; `system.py` resolves what services declare and
hands each service a folder with its own secrets only. A value never appears in a repr, an error
or a log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fairway.errors import InvalidInput
from fairway.targets.local.layout import private_dir, write_private


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's value with its version, 1 for the first. `changed_at`: seconds since the epoch.

    It is None for a value that came from an environment variable: nobody knows since when.
    """

    value: str = field(repr=False)
    version: int = 1
    changed_at: float | None = None


class SecretStore:
    """The file with the values that the user has set; read anew at every question."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[str, Secret]:
        """Every stored secret by name. InvalidInput when the file is damaged: never dropped."""
        try:
            content = json.loads(self._path.read_bytes())
            return {name: Secret(**entry) for name, entry in content["secrets"].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError):
            # without the cause: a parser's error quotes the text that it failed on
            raise InvalidInput(
                "secret-store-damaged",
                "the stored secrets cannot be read",
                where=str(self._path),
                remedy="restore the file, or remove it and set the secrets again",
            ) from None

    def set(self, name: str, value: str, *, now: float) -> Secret:
        """Store a value as the next version; the same value again stays the same version.

        InvalidInput for a value that no environment variable can hold.
        """
        if "\0" in value:
            raise InvalidInput(
                "secret-not-text",
                f"the value of {name} contains a zero byte",
                remedy="encode it, for instance with base64",
            )
        stored = self.all()
        before = stored.get(name)
        if before is not None and before.value == value:
            return before
        version = 1 if before is None else before.version + 1
        stored[name] = Secret(value, version, now)
        self._write(stored)
        return stored[name]

    def remove(self, name: str) -> bool:
        """Forget a secret; False when it was not stored."""
        stored = self.all()
        found = stored.pop(name, None) is not None
        if found:
            self._write(stored)
        return found

    def _write(self, secrets: Mapping[str, Secret]) -> None:
        content = {"secrets": {name: asdict(secret) for name, secret in sorted(secrets.items())}}
        write_private(self._path, json.dumps(content, indent=1).encode(), durable=True)


def available(
    names: Iterable[str], stored: Mapping[str, Secret], variables: Mapping[str, str]
) -> dict[str, Secret]:
    """Those of `names` that have a value: a stored one, else an environment variable's."""
    found: dict[str, Secret] = {}
    for name in names:
        if name in stored:
            found[name] = stored[name]
        elif name in variables:
            found[name] = Secret(variables[name])
    return found


def require(declared: Mapping[str, Iterable[str]], found: Mapping[str, Secret]) -> None:
    """Check that every secret that a service declares has a value; InvalidInput names them all."""
    missing: dict[str, list[str]] = {}
    for service, names in sorted(declared.items()):
        for name in names:
            if name not in found:
                missing.setdefault(name, []).append(service)
    if missing:
        readers = "; ".join(f"{name} for {', '.join(who)}" for name, who in missing.items())
        commands = " ; ".join(f"fairway secrets set {name}" for name in missing)
        raise InvalidInput(
            "secret-missing",
            f"no value is known for: {readers}",
            remedy=f"set it: {commands} (or as an environment variable, or in .env)",
        )


def hand_out(folder: Path, secrets: Mapping[str, Secret]) -> None:
    """Make `folder` hold exactly these secrets, one file each.

    An unchanged value keeps its file untouched, because readers take a new file time for a new
    version.
    """
    private_dir(folder)
    for path in folder.iterdir():
        if path.name not in secrets:
            path.unlink()
    for name, secret in secrets.items():
        path = folder / name
        value = secret.value.encode()
        if not path.exists() or path.read_bytes() != value:
            write_private(path, value, durable=True)

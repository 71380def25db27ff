"""Signing keys: every caller's secret, and what each callee needs to verify it.

`system.py` owns one `SigningKeys`, writes at start and refreshes every `REFRESH`. Guarantees:

- a caller's secret is written to that caller's folder only; a callee is given keys derived for
  itself and for yesterday, today and tomorrow (UTC), which forge nothing elsewhere;
- only declared callers are given to a callee;
- a rotation overlaps: callees know a new key before its caller signs with it, and accept the old
  one until `OVERLAP` is over.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fairway.errors import InvalidInput, NotFound
from fairway.targets.local.layout import StateDir, write_private
from fairway.targets.signing import OVERLAP, Caller, Key, signing_document, verifying_document

SETTLE = 0.5
"""Until every callee has read a new key: the library looks at most every 0.1 s. Seconds."""
REFRESH = 60.0
"""Between checks whether a day has begun or an overlap has ended, in seconds. As short as that of
certificates: a laptop that slept over days wakes up with keys for none of the days that count."""


class SigningKeys:
    """The signing keys of one app in one environment; `region` is the environment's name."""

    def __init__(
        self,
        state: StateDir,
        callers: Mapping[str, Caller],
        verifiers: frozenset[str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        settle: float = SETTLE,
    ) -> None:
        self._state = state
        self._callers = callers
        self._verifiers = verifiers
        self._clock = clock
        self._settle = settle
        self._region = state.environment
        self._rotating = asyncio.Lock()
        self._keys = _read_store(state.signing_store)

    def serve(self, callers: Mapping[str, Caller], verifiers: frozenset[str]) -> None:
        """From now on these sign and verify; `write` tells them."""
        self._callers = callers
        self._verifiers = verifiers

    def write(self) -> None:
        """Create what is missing, drop what has expired, and write every file that differs."""
        self._settle_keys()
        self._write_verifying()
        self._write_signing(self._callers)

    async def rotate(self, name: str) -> str:
        """Give a caller a new key and return its id; NotFound for who does not sign."""
        if name not in self._callers:
            raise NotFound(
                "no-signing-identity",
                f"{name} does not sign calls",
                remedy=f"these do: {', '.join(sorted(self._callers)) or 'none'}",
            )
        async with self._rotating:
            self._settle_keys()
            fresh = self._replace_key(name)
            self._write_verifying()
            await asyncio.sleep(self._settle)
            self._write_signing((name,))
        return fresh.key_id

    async def refresh(self) -> None:
        """Write what days that began and overlaps that ended have changed; every `REFRESH`."""
        async with self._rotating:
            self.write()

    def _replace_key(self, name: str) -> Key:
        until = (self._clock() + OVERLAP).timestamp()
        kept = tuple(
            replace(key, expires=until) if key.expires is None else key for key in self._keys[name]
        )
        fresh = _new_key(name, kept)
        self._keys = {**self._keys, name: (*kept, fresh)}
        self._write_store()
        return fresh

    def _settle_keys(self) -> None:
        now = self._clock().timestamp()
        settled = {
            name: tuple(key for key in self._keys.get(name, ()) if key.valid(now))
            or (_new_key(name, ()),)
            for name in self._callers
        }
        if settled != self._keys:
            self._keys = settled
            self._write_store()

    def _write_store(self) -> None:
        content = {name: [asdict(key) for key in keys] for name, keys in self._keys.items()}
        write_private(self._state.signing_store, _json({"identities": content}), durable=True)

    def _write_verifying(self) -> None:
        now = self._clock()
        for service in sorted(self._verifiers):
            document = verifying_document(service, self._region, self._callers, self._keys, now)
            _write_if_changed(self._state.identity(service) / "verifying.json", document)

    def _write_signing(self, names: Sequence[str] | Mapping[str, Caller]) -> None:
        for name in names:
            document = signing_document(
                name, self._callers[name], self._region, self._keys[name][-1:]
            )
            _write_if_changed(self._state.identity(name) / "signing.json", document)


def _new_key(name: str, before: Sequence[Key]) -> Key:
    numbers = [int(key.key_id.rsplit(".", 1)[1]) for key in before]
    return Key(f"{name}.{max(numbers, default=0) + 1}", secrets.token_urlsafe(32))


def _read_store(path: Path) -> dict[str, tuple[Key, ...]]:
    try:
        content = json.loads(path.read_bytes())["identities"]
        return {name: tuple(Key(**key) for key in keys) for name, keys in content.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        # without the cause: a parser's error quotes the text that it failed on
        raise InvalidInput(
            "signing-keys-damaged",
            "the signing keys of this app cannot be read",
            where=str(path),
            remedy="restore the file, or remove it: new keys are made at the next start",
        ) from None


def _write_if_changed(path: Path, document: dict[str, Any]) -> None:
    content = _json(document)
    if not path.exists() or path.read_bytes() != content:
        write_private(path, content)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode()

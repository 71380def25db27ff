"""Keys: a caller's secrets, and the derived keys that a callee is given.

`signing.json` (the caller's own) and `verifying.json` (the callee's) are written by the control
plane and read again when they change; several keys are valid at once, so a rotation overlaps.
No secret appears in a repr or an error.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from fairway_runtime.watched import WatchedFile


def derive_signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of one caller secret for one day (`YYYYMMDD`), region and service: 32 bytes.

    Whoever holds it can neither compute the secret nor sign for another day, region or service.
    """
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@dataclass(frozen=True, slots=True)
class Credentials:
    """A caller's secret, bound to where it is used: region = environment, service = callee."""

    key_id: str
    secret: str = field(repr=False)
    region: str
    service: str

    def keyed_hmac(self, date: str) -> hmac.HMAC:
        """An HMAC under the derived key of that day, for `copy()`."""
        return _keyed_hmac(self.secret, date, self.region, self.service)


@lru_cache(maxsize=256)
def _keyed_hmac(secret: str, date: str, region: str, service: str) -> hmac.HMAC:
    return hmac.new(derive_signing_key(secret, date, region, service), digestmod="sha256")


@dataclass(frozen=True, slots=True)
class Identity:
    """The content of `signing.json`: who we are when we call. The last key signs."""

    name: str
    kind: str
    region: str
    keys: tuple[tuple[str, str], ...] = field(repr=False)

    def credentials(self, service: str) -> Credentials:
        """What to sign a call to `service` with."""
        key_id, secret = self.keys[-1]
        return Credentials(key_id, secret, self.region, service)


def parse_signing(content: bytes) -> Identity:
    """Read `signing.json`; raises ValueError without quoting its content."""
    document = _object(content, "signing.json")
    try:
        keys = tuple((str(key["key_id"]), str(key["secret"])) for key in document["keys"])
        identity = Identity(
            str(document["identity"]), str(document["kind"]), str(document["region"]), keys
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"signing.json lacks {_missing(error)}; let Fairway write it") from None
    if not keys:
        raise ValueError("signing.json holds no key; let Fairway write it")
    return identity


class SigningFile:
    """`signing.json` as it is now."""

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path, parse_signing)

    def identity(self) -> Identity:
        """Who we are, with the newest keys."""
        return self._file.current()

    def credentials(self, service: str) -> Credentials:
        """What to sign a call to `service` with."""
        return self._file.current().credentials(service)


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """One caller's derived key for one day; `keyed` is an HMAC under it, for `copy()`."""

    caller: str
    kind: str
    keyed: hmac.HMAC = field(repr=False, compare=False)

    @classmethod
    def of(cls, caller: str, kind: str, key: bytes) -> VerifyingKey:
        """From the derived key itself."""
        return cls(caller, kind, hmac.new(key, digestmod="sha256"))


@dataclass(frozen=True, slots=True)
class VerifyingKeys:
    """The content of `verifying.json`: the scope, and the keys by (key id, date)."""

    service: str
    region: str
    keys: dict[tuple[str, str], VerifyingKey] = field(repr=False)

    def current(self) -> VerifyingKeys:
        """Itself: fixed keys serve wherever a `VerifyingFile` does."""
        return self


def parse_verifying(content: bytes) -> VerifyingKeys:
    """Read `verifying.json`; raises ValueError without quoting its content."""
    document = _object(content, "verifying.json")
    try:
        keys = dict(_verifying_entries(document["keys"]))
        return VerifyingKeys(str(document["service"]), str(document["region"]), keys)
    except (KeyError, TypeError) as error:
        raise ValueError(f"verifying.json lacks {_missing(error)}; let Fairway write it") from None


def _verifying_entries(
    entries: Iterable[dict[str, str]],
) -> Iterable[tuple[tuple[str, str], VerifyingKey]]:
    for entry in entries:
        try:
            key = bytes.fromhex(entry["key"])
        except ValueError:
            raise ValueError("verifying.json holds a key that is not hexadecimal") from None
        yield (
            (entry["key_id"], entry["date"]),
            VerifyingKey.of(entry["caller"], entry["kind"], key),
        )


class VerifyingFile:
    """`verifying.json` as it is now."""

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path, parse_verifying)

    def current(self) -> VerifyingKeys:
        """The newest keys."""
        return self._file.current()


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        raise ValueError(f"{name} is not JSON; let Fairway write it") from None
    if not isinstance(document, dict):
        raise ValueError(f"{name} is not a JSON object; let Fairway write it")
    return document


def _missing(error: Exception) -> str:
    return f"the key {error}" if isinstance(error, KeyError) else "a list of keys"

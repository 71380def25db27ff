"""The keys that sign calls, kept in Secrets Manager of each region. Methods block.

    <app>-<environment>/fairway/signing        every caller's secret: the control plane's alone
    <app>-<environment>/<service>/identity     {"signing.json": …, "verifying.json": …}: what the
                                               agent beside that service fetches and hands to it

`AwsTarget` calls `write` before a version starts, and the control plane's upkeep once a day. A
callee is given keys for the days from yesterday to a week from now, so that signed calls go on for
that long without any control plane. Only what differs is put.

A rotation has two parts, so that no call is refused: `rotate` tells callees of the new key, and the
first `write` after `KNOWN_AFTER` has its caller sign with it and the old one end soon.

Nobody but a service may read its secrets, the control plane neither: whether one differs is told by
the id of its version, which begins with a digest of its content.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from fairway.errors import Conflict, InvalidInput, NotFound
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.targets.aws import names
from fairway.targets.aws.clients import Clients, telling
from fairway.targets.aws.mesh.documents import SIGNING
from fairway.targets.signing import (
    KNOWN_AFTER,
    OVERLAP,
    Caller,
    Key,
    Keys,
    signing_callers,
    signing_document,
    verifying_document,
    verifying_services,
)

_STORE = ("fairway", "signing")
_DAYS = range(-1, 8)
_RANDOM_BYTES = 32
_DIGEST = 48
"""Of the 64 characters of a version's id; the rest is random: no content is refused as known."""

KeyOf = Callable[[str], str | None]
"""The key in KMS that encrypts the secrets of a service; None: the one of Secrets Manager."""


class SigningSecrets:
    """The signing keys of one environment in one region."""

    def __init__(
        self, clients: Clients, region: str, environment: str, key_of: KeyOf = lambda _: None
    ) -> None:
        self._secrets = clients.of("secretsmanager", region)
        self._environment = environment
        self._key_of = key_of

    def write(self, app: App, now: datetime) -> tuple[str, ...]:
        """Make what is missing and put what differs; the names of the secrets that were put."""
        callers = signing_callers(app)
        kept = self._store(app)
        keys = settled(kept, callers, now.timestamp())
        put = [] if keys == kept else self._put(app, *_STORE, _store_json(keys))
        for service, content in identities(app, self._environment, callers, keys, now).items():
            put += self._put(app, service, SIGNING, json.dumps(content, sort_keys=True))
        return tuple(put)

    def rotate(self, app: App, callers: Sequence[str], now: datetime) -> None:
        """Give these callers another key; one that is waiting already stays."""
        keys = settled(self._store(app), signing_callers(app), now.timestamp())
        for name in callers:
            if not any(key.since for key in keys[name]):
                keys = {**keys, name: (_next(name, keys[name], now.timestamp()), *keys[name])}
        self._put(app, *_STORE, _store_json(keys))
        self.write(app, now)

    def _store(self, app: App) -> Keys:
        text = self._value(names.secret(app.app, self._environment, *_STORE))
        return {} if text is None else _keys(text)

    def _put(self, app: App, owner: str, name: str, text: str) -> list[str]:
        """Its name if it differed."""
        secret = names.secret(app.app, self._environment, owner, name)
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
        before = self._version(secret)
        if before is not None and before.startswith(digest):
            return []
        version = digest + secrets.token_hex((64 - _DIGEST) // 2)
        value = {"SecretString": text, "ClientRequestToken": version}
        key = self._key_of(owner)
        try:
            with telling("keep signing keys", where=secret):
                if before is None:
                    own = {"KmsKeyId": key} if key else {}
                    self._secrets.create_secret(Name=secret, **value, **own)
                    return [secret]
        except Conflict:  # somebody was faster
            pass
        with telling("keep signing keys", where=secret):
            self._secrets.put_secret_value(SecretId=secret, **value)
        return [secret]

    def _version(self, secret: str) -> str | None:
        """The id of the version in force; empty without a value, None without the secret."""
        try:
            with telling("look for signing keys", where=secret):
                found = self._secrets.describe_secret(SecretId=secret)
        except NotFound:
            return None
        stages = found.get("VersionIdsToStages", {})
        return next((version for version, its in stages.items() if "AWSCURRENT" in its), "")

    def _value(self, secret: str) -> str | None:
        try:
            with telling("read signing keys", where=secret):
                return str(self._secrets.get_secret_value(SecretId=secret)["SecretString"])
        except NotFound:
            return None


def settled(kept: Keys, callers: Mapping[str, Caller], now: float) -> Keys:
    """The keys of all callers: those that are still valid, else a new one; the last one signs."""
    return {
        name: _in_turn(tuple(key for key in kept.get(name, ()) if key.valid(now)), now)
        or (Key(f"{name}.1", secrets.token_urlsafe(_RANDOM_BYTES)),)
        for name in callers
    }


def rotated(app: App, identity: str | None) -> tuple[str, ...]:
    """Whose keys a rotation replaces: of all services, or of one caller; NotFound.

    A client is handed no keys, so that somebody has to give it the new one: only when it is named.
    """
    callers = signing_callers(app)
    if identity is None:
        return tuple(sorted(callers.keys() & verifying_services(app)))
    if identity not in callers:
        raise NotFound(
            "no-signing-identity",
            f"{identity} does not sign calls",
            remedy=did_you_mean(identity, callers, "only services with the library and clients do"),
        )
    return (identity,)


def _next(caller: str, keys: Sequence[Key], now: float) -> Key:
    number = 1 + max(int(key.key_id.rpartition(".")[2]) for key in keys)
    fresh = secrets.token_urlsafe(_RANDOM_BYTES)
    return Key(f"{caller}.{number}", fresh, since=now + KNOWN_AFTER)


def _in_turn(keys: tuple[Key, ...], now: float) -> tuple[Key, ...]:
    """A key whose time has come is the last, and those before it end soon."""
    ready = tuple(replace(key, since=0.0) for key in keys if 0 < key.since <= now)
    if not ready:
        return keys
    until = now + OVERLAP.total_seconds()
    known = {key.key_id for key in ready}
    before = (key for key in keys if key.key_id not in known)
    return (*(replace(k, expires=until) if k.expires is None else k for k in before), *ready)


def identities(
    app: App, environment: str, callers: Mapping[str, Caller], keys: Keys, now: datetime
) -> dict[str, dict[str, Any]]:
    """What each service that uses the library is given. Pure."""
    return {
        service: {
            "signing.json": signing_document(
                service, callers[service], environment, keys[service][-1:]
            ),
            "verifying.json": verifying_document(service, environment, callers, keys, now, _DAYS),
        }
        for service in sorted(verifying_services(app))
    }


def who_signs(app: App, environment: str, regions: Sequence[str]) -> dict[str, Any]:
    """What `infra/signing/renew.py` has to know, to do this without Fairway. Pure."""
    callers = {
        name: {"kind": caller.kind, "callees": sorted(caller.callees)}
        for name, caller in sorted(signing_callers(app).items())
    }
    return {
        "name": names.prefix(app.app, environment),
        "environment": environment,
        "regions": list(regions),
        "callers": callers,
        "verifying": sorted(verifying_services(app)),
    }


def _store_json(keys: Keys) -> str:
    return json.dumps({"identities": {n: [asdict(k) for k in some] for n, some in keys.items()}})


def _keys(text: str) -> Keys:
    try:
        content = json.loads(text)["identities"]
        return {name: tuple(Key(**key) for key in keys) for name, keys in content.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        # without the cause: a parser's error quotes the text that it failed on
        raise InvalidInput(
            "signing-keys-damaged",
            "the signing keys of this environment cannot be read",
            where="/".join(_STORE),
            remedy="restore the secret's version before, or remove it: new keys are then made",
        ) from None

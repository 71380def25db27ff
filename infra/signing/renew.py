"""Renews the keys by which services sign their calls, as Fairway's control plane does every day.

Runs on its own, without Fairway, and needs boto3 only: `fairway render` and `eject` copy it into
their tree, with `identities.json` beside it, which says who calls whom.

    python signing/renew.py             # today, and every day

A callee gets keys that are derived for the days from yesterday to a week from now (UTC), so that it
may be missed for some days. A caller keeps its secret; one that has none gets one. In each region
the store `<name>/fairway/signing` has the callers' secrets, and `<name>/<service>/identity` what a
service is given. `identity/signing.py` of Fairway does the same and says why.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

_DAYS = range(-1, 8)
_RANDOM_BYTES = 32
_OVERLAP = 900.0
"""Seconds for which the key before a rotation stays valid."""

Keys = Mapping[str, list[Any]]


def renew(client: Any, told: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """Put what the services of a region are given; the names of the secrets that were put."""
    store = f"{told['name']}/fairway/signing"
    kept = _kept(client, store)
    keys = _settled(kept, told["callers"], now.timestamp())
    given = {} if keys == kept else {store: {"identities": keys}}
    for service in told["verifying"]:
        given[f"{told['name']}/{service}/identity"] = {
            "signing.json": _signing(service, told, keys),
            "verifying.json": _verifying(service, told, keys, now),
        }
    for secret, content in given.items():
        _put(client, secret, json.dumps(content, sort_keys=True))
    return tuple(given)


def _kept(client: Any, store: str) -> Keys:
    try:
        text = client.get_secret_value(SecretId=store)["SecretString"]
    except client.exceptions.ResourceNotFoundException:
        return {}
    found: Keys = json.loads(text)["identities"]
    return found


def _put(client: Any, secret: str, text: str) -> None:
    try:
        client.put_secret_value(SecretId=secret, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=secret, SecretString=text)


def _settled(kept: Keys, callers: Mapping[str, Any], now: float) -> Keys:
    """The keys of all callers: those that are still valid, else a new one; the last one signs."""
    return {
        name: _in_turn([key for key in kept.get(name, []) if _is_valid(key, now)], now)
        or [_new(name)]
        for name in callers
    }


def _in_turn(keys: list[Any], now: float) -> list[Any]:
    """A key whose time has come is the last, and those before it end soon."""
    ready = [{**key, "since": 0.0} for key in keys if 0 < key.get("since", 0.0) <= now]
    if not ready:
        return keys
    known, until = {key["key_id"] for key in ready}, now + _OVERLAP
    before = [key for key in keys if key["key_id"] not in known]
    return [*({**k, "expires": until} if k["expires"] is None else k for k in before), *ready]


def _new(caller: str) -> dict[str, Any]:
    random = secrets.token_urlsafe(_RANDOM_BYTES)
    return {"key_id": f"{caller}.1", "secret": random, "expires": None, "since": 0.0}


def _is_valid(key: Mapping[str, Any], now: float) -> bool:
    return key["expires"] is None or now < key["expires"]


def _signing(service: str, told: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """What it signs with: its last key."""
    return {
        "identity": service,
        "kind": told["callers"][service]["kind"],
        "region": told["environment"],
        "keys": [{part: key[part] for part in ("key_id", "secret")} for key in keys[service][-1:]],
    }


def _verifying(service: str, told: Mapping[str, Any], keys: Keys, now: datetime) -> dict[str, Any]:
    """What it verifies with: derived keys of those that may call it."""
    days = [(now + timedelta(days=shift)).strftime("%Y%m%d") for shift in _DAYS]
    return {
        "service": service,
        "region": told["environment"],
        "keys": [
            {
                "key_id": key["key_id"],
                "caller": caller,
                "kind": its["kind"],
                "date": day,
                "key": _derived(key["secret"], day, told["environment"], service).hex(),
            }
            for caller, its in sorted(told["callers"].items())
            if service in its["callees"]
            for key in keys[caller]
            if _is_valid(key, now.timestamp())
            for day in days
        ],
    }


def _derived(secret: str, *scope: str) -> bytes:
    """The signing key of AWS Signature Version 4: of a day, a region and a service."""
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _clients(regions: list[str]) -> Iterator[tuple[str, Any]]:
    import boto3  # noqa: PLC0415 - tests call `renew` with a client of their own

    for region in regions:
        yield region, boto3.client("secretsmanager", region_name=region)


def main() -> None:
    """Renew in every region that `identities.json` names."""
    told = json.loads(Path(__file__).with_name("identities.json").read_text("utf-8"))
    now = datetime.now(timezone.utc)  # noqa: UP017 - also on older Pythons
    for region, client in _clients(told["regions"]):
        for secret in renew(client, told, now):
            sys.stdout.write(f"{region}: {secret}\n")


if __name__ == "__main__":
    main()

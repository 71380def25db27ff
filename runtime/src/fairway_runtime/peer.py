"""Which mesh peer a request came from, as the callee's own sidecar says it.

The sidecar replaces `x-forwarded-client-cert` on every request (Envoy's SANITIZE_SET), so its last
element is the certificate that the peer proved. A service binds to loopback; the README says what
a local process could still forge. Format: https://www.envoyproxy.io/docs/envoy/latest/
configuration/http/http_conn_man/headers#x-forwarded-client-cert
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

GATEWAY = "gateway"
"""The reserved name of the gateway's identity."""

_MAX_LENGTH = 8192
_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_FIELD = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*")+')
_SPIFFE = re.compile(r"spiffe://(?P<domain>[a-z0-9._-]{1,255})/(?P<name>[a-z][a-z0-9-]{0,62})\Z")


class Peer(NamedTuple):
    """A SPIFFE identity: trust domain `<app>.<environment>` and name."""

    domain: str
    name: str


@lru_cache(maxsize=256)
def parse_peer(header: bytes) -> Peer | None:
    """The peer of the last element, or None when it names no SPIFFE identity of ours."""
    if len(header) > _MAX_LENGTH:
        return None
    elements = _ELEMENT.findall(header.decode("latin-1"))
    if not elements:
        return None
    uris = [
        value.strip('"')
        for key, _, value in (field.partition("=") for field in _FIELD.findall(elements[-1]))
        if key.strip().lower() == "uri"
    ]
    match = _SPIFFE.match(uris[0]) if len(uris) == 1 else None
    return Peer(match["domain"], match["name"]) if match else None

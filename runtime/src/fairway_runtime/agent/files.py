"""What Envoy's files are called, and their versions: digests, so that equal content is equal. Pure.

Written by whoever renders them, replaced one by one by the agent; a file is one discovery response.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

Json = dict[str, Any]

BOOTSTRAP, CDS, LDS = "bootstrap.json", "cds.json", "lds.json"
IDENTITY, TRUST = "identity", "trust"
"""The names of the two secrets: this Envoy's certificate with key, and the app's authorities."""


def digest(content: object) -> str:
    """Twelve hex digits that are equal for equal content."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def response(resources: list[Json]) -> Json:
    """The file for some resources; its version is a digest of them."""
    return {"version_info": digest(resources), "resources": resources}


def secret_file(secret: str) -> str:
    """The SDS file of a secret: Envoy takes exactly one resource from each."""
    return f"sds.{secret}.json"


def identity_secret(certificate: str, key: str) -> Json:
    """The SDS file with an Envoy's certificate chain and private key, both PEM.

    Both in one file, so that no Envoy ever sees a certificate with another one's key.
    """
    return _secret(
        IDENTITY,
        tls_certificate={
            "certificate_chain": {"inline_string": certificate},
            "private_key": {"inline_string": key},
        },
    )


def trust_secret(authorities: str) -> Json:
    """The SDS file with the app's certificate authorities, PEM; several during a rotation."""
    return _secret(TRUST, validation_context={"trusted_ca": {"inline_string": authorities}})


def _secret(name: str, **content: Json) -> Json:
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
    return response([{"@type": kind, "name": name, **content}])

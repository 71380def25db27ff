"""Mutual TLS: who this Envoy is, and whom it believes, both from files that may be replaced."""

from __future__ import annotations

import ipaddress

from fairway.targets.mesh.render.document import (
    EnvoyPaths,
    Json,
    from_file,
    typed,
)
from fairway_runtime.agent.files import (
    IDENTITY,
    TRUST,
    secret_file,
)

_TLS = "extensions.transport_sockets.tls.v3"


def server_tls(trust_domain: str, paths: EnvoyPaths) -> Json:
    """Mutual TLS on a listener: any identity of this app and environment may connect."""
    peers = {"prefix": f"spiffe://{trust_domain}/"}
    context = {**_common(peers, paths), "alpn_protocols": ["h2", "http/1.1"]}
    return _socket("DownstreamTlsContext", context, require_client_certificate=True)


def balancer_tls(paths: EnvoyPaths) -> Json:
    """TLS on a listener behind a load balancer, which shows no certificate and checks none."""
    context = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificate_sds_secret_configs": [_sds(IDENTITY, paths)],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    return _socket("DownstreamTlsContext", context)


def client_tls(spiffe_id: str, server_name: str, paths: EnvoyPaths) -> Json:
    """Mutual TLS towards exactly one identity."""
    return _socket("UpstreamTlsContext", _common({"exact": spiffe_id}, paths), sni=server_name)


def public_tls(host: str, paths: EnvoyPaths) -> Json:
    """Plain TLS towards a server of the public internet."""
    name = {"san_type": "IP_ADDRESS" if _is_address(host) else "DNS", "matcher": {"exact": host}}
    context = {
        "validation_context": {
            "trusted_ca": {"filename": str(paths.public_roots)},
            "match_typed_subject_alt_names": [name],
        }
    }
    # A server is named by SNI only if it has a name: https://www.rfc-editor.org/rfc/rfc6066#section-3
    return _socket("UpstreamTlsContext", context, **({} if _is_address(host) else {"sni": host}))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _common(peers: Json, paths: EnvoyPaths) -> Json:
    name = {"san_type": "URI", "matcher": peers}
    return {
        # Both bounds: by default Envoy goes no further than 1.2 as a client.
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_3",
            "tls_maximum_protocol_version": "TLSv1_3",
        },
        "tls_certificate_sds_secret_configs": [_sds(IDENTITY, paths)],
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": [name]},
            "validation_context_sds_secret_config": _sds(TRUST, paths),
        },
    }


def _sds(secret: str, paths: EnvoyPaths) -> Json:
    return {"name": secret, "sds_config": from_file(paths, secret_file(secret))}


def _socket(kind: str, context: Json, **fields: object) -> Json:
    return {
        "name": "tls",
        "typed_config": typed(f"{_TLS}.{kind}", common_tls_context=context, **fields),
    }

"""Who this Envoy is: a key that never leaves this process and Envoy, and its certificate.

The function behind the alias takes the name of the service from the alias alone, so the request
carries nothing but the key. Renewed at half life: AWS may be away for as long again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fairway_runtime.agent.cloud import Away, Cloud
from fairway_runtime.agent.files import (
    IDENTITY,
    TRUST,
    Json,
    identity_secret,
    secret_file,
    trust_secret,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Envoy's two secret files, and when to have them made anew."""

    files: dict[str, Json]
    expires_at: datetime
    renew_at: datetime

    def __repr__(self) -> str:
        return f"Identity(expires_at={self.expires_at.isoformat()})"


def obtain(cloud: Cloud, function: str, now: datetime) -> Identity:
    """A fresh key and a certificate for it. Blocks; Away when there is none to be had."""
    key = ec.generate_private_key(ec.SECP256R1())
    answer = cloud.certificate(function, _request(key))
    try:
        certificate, authorities = answer["certificate"], answer["authorities"]
        expires = x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
    except (KeyError, TypeError, ValueError) as error:
        raise Away(f"{function}: it answered without a certificate") from error
    files = {
        secret_file(IDENTITY): identity_secret(certificate, _pem(key)),
        secret_file(TRUST): trust_secret(authorities),
    }
    return Identity(files, expires.astimezone(UTC), now + (expires - now) / 2)


def _request(key: ec.EllipticCurvePrivateKey) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()

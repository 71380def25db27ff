"""X.509 for the mesh: one EC P-256 authority per app, leaves with a SPIFFE ID. Pure but for keys.

Who calls it: `authority.py`, which keeps the results. Follows the X509-SVID standard of SPIFFE: a
leaf has exactly one URI name and no common name, and is no authority itself. Clocks differ, so a
certificate is valid from five minutes before it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = timedelta(days=3650)
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate (PEM chain) and its private key (PEM), valid in the half-open interval given.

    `issued_at` is when it was made: half-life counts from there, not from the skewed start.
    """

    spiffe_id: str
    certificate: str
    key: str
    issued_at: datetime
    expires_at: datetime

    @property
    def renew_at(self) -> datetime:
        """Half-life: from here on it should be replaced, while it still works for as long again."""
        return self.issued_at + (self.expires_at - self.issued_at) / 2

    def __repr__(self) -> str:
        return f"Leaf({self.spiffe_id!r}, expires_at={self.expires_at.isoformat()})"


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A private key as unencrypted PKCS #8 PEM: whoever writes it sets mode 0600."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def certificate_pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def self_signed_authority(
    key: ec.EllipticCurvePrivateKey, trust_domain: str, now: datetime
) -> x509.Certificate:
    """The root of one trust domain; it can sign leaves and nothing deeper."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Fairway {trust_domain}"[:64])])
    builder = _builder(key.public_key(), name, name, now, now + AUTHORITY_LIFETIME)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(f"spiffe://{trust_domain}")]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )


def issue(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    spiffe_id: str,
    now: datetime,
    lifetime: timedelta,
) -> Leaf:
    """A leaf for client and server use, with a key of its own that never leaves this machine."""
    key = new_key()
    expires = now + lifetime
    builder = _builder(key.public_key(), x509.Name([]), authority.subject, now, expires)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        # Critical, because the subject is empty (RFC 5280, 4.2.1.6).
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(spiffe_id)]), critical=True
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    return Leaf(spiffe_id, certificate_pem(certificate), key_pem(key), now, expires)


def _builder(
    key: ec.EllipticCurvePublicKey,
    subject: x509.Name,
    issuer: x509.Name,
    now: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

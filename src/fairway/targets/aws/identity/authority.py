"""The certificate of the mesh's authority, signed by its own key in KMS. Methods block.

Called once a region is provisioned, and again by every deployment: a certificate that is there and
belongs to the key stays as it is. The Lambda behind `infra/lambda/identity/` signs with the same
key and tells every agent to trust this certificate, which lies in the bucket `config`.

The key never leaves KMS, so the certificate is built with a passing key and its signature replaced:
what is signed does not depend on who signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fairway.errors import Conflict, InvalidInput, NotFound
from fairway.targets.aws import names
from fairway.targets.aws.clients import Clients, telling

CERTIFICATE = "identity/authority.pem"
"""The object in the bucket `config`."""
LIFETIME = timedelta(days=3650)

_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AuthorityPlace:
    """The region, the key in KMS and the bucket of one authority."""

    region: str
    key_id: str
    bucket: str
    trust_domain: str


def authority_place(app: str, environment: str, account: str, region: str) -> AuthorityPlace:
    """Where the root module of a region has put them."""
    return AuthorityPlace(
        region,
        f"alias/{names.prefix(app, environment)}-identity",
        names.config_bucket(app, environment, account, region),
        f"{app}.{environment}",
    )


def ensure_authority(clients: Clients, place: AuthorityPlace, now: datetime) -> str:
    """The certificate (PEM), made and put where there is none; two who do so agree on the first.

    InvalidInput when the one that is there belongs to another key: peers would trust nobody.
    """
    kms = clients.of("kms", place.region)
    with telling("read the public key of the mesh's authority", where=place.key_id):
        public = kms.get_public_key(KeyId=place.key_id)["PublicKey"]
    key = cast(ec.EllipticCurvePublicKey, serialization.load_der_public_key(public))
    found = _found(clients, place)
    if found is None:
        found = _put(clients, place, self_signed(kms, place, key, now))
    if x509.load_pem_x509_certificate(found.encode()).public_key() != key:
        raise InvalidInput(
            "authority-of-another-key",
            "the certificate of the mesh's authority does not belong to its key in KMS",
            where=f"s3://{place.bucket}/{CERTIFICATE}",
            remedy="remove that object: a new certificate is made by the next deployment, and "
            "tasks get theirs anew when they start again",
        )
    return found


def self_signed(
    kms: Any, place: AuthorityPlace, key: ec.EllipticCurvePublicKey, now: datetime
) -> str:
    """A root for one trust domain, signed through KMS; it can sign leaves and nothing deeper."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Fairway {place.trust_domain}"[:64])]
    )
    uri = x509.UniformResourceIdentifier(f"spiffe://{place.trust_domain}")
    unsigned = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs_certificates(), critical=True)
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    with telling("sign the certificate of the mesh's authority", where=place.key_id):
        signature = kms.sign(
            KeyId=place.key_id,
            Message=unsigned.tbs_certificate_bytes,
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )["Signature"]
    return _with_signature(unsigned, bytes(signature))


def _with_signature(certificate: x509.Certificate, signature: bytes) -> str:
    """The same body under another signature of the same kind (RFC 5280, 4.1.1)."""
    ecdsa_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    bits = _der(0x03, b"\x00" + signature)
    whole = _der(0x30, certificate.tbs_certificate_bytes + ecdsa_sha256 + bits)
    signed = x509.load_der_x509_certificate(whole)
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _found(clients: Clients, place: AuthorityPlace) -> str | None:
    try:
        with telling("read the certificate of the mesh's authority", where=place.bucket):
            answer = clients.of("s3", place.region).get_object(Bucket=place.bucket, Key=CERTIFICATE)
    except NotFound:
        return None
    return str(answer["Body"].read().decode())


def _put(clients: Clients, place: AuthorityPlace, certificate: str) -> str:
    """Put it unless somebody was faster; what is there then."""
    try:
        with telling("put the certificate of the mesh's authority", where=place.bucket):
            clients.of("s3", place.region).put_object(
                Bucket=place.bucket, Key=CERTIFICATE, Body=certificate.encode(), IfNoneMatch="*"
            )
    except Conflict:
        return _found(clients, place) or certificate
    return certificate

"""The Lambda that signs certificates, the authority's own certificate, and the keys of calls."""

from __future__ import annotations

import base64
import importlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from fairway.errors import InvalidInput
from fairway.model.app import App
from fairway.targets.aws.clients import Clients
from fairway.targets.aws.identity.authority import (
    CERTIFICATE,
    AuthorityPlace,
    authority_place,
    ensure_authority,
)
from fairway.targets.aws.identity.signing import SigningSecrets

LAMBDA = Path(__file__).parents[3] / "infra" / "lambda" / "identity"
REGION, BUCKET = "eu-central-1", "shop-prod-config"
NOW = datetime.now(UTC).replace(microsecond=0)
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:shop-prod-identity:orbit"


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The function's modules, as Lambda has them: beside each other on the path."""
    monkeypatch.syspath_prepend(str(LAMBDA))
    names = ("handler", "certificates", "der", "p256")
    importlib.import_module("handler")

    yield SimpleNamespace(**{name: sys.modules[name] for name in names})
    for name in names:
        del sys.modules[name]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthorityPlace]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        clients = Clients()
        key = clients.of("kms", REGION).create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        clients.of("s3", REGION).create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield AuthorityPlace(REGION, key["KeyMetadata"]["KeyId"], BUCKET, "shop.prod")


def request(key: Any = None) -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def invoke(
    identity: Any, monkeypatch: pytest.MonkeyPatch, place: AuthorityPlace, **event: str
) -> Any:
    variables = {
        "KEY_ID": place.key_id, "TRUST_DOMAIN": place.trust_domain,
        "AUTHORITY_BUCKET": place.bucket, "AUTHORITY_KEY": CERTIFICATE,
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return identity.handler.handle(event, SimpleNamespace(invoked_function_arn=ARN))


def test_the_alias_is_the_identity_and_the_chain_holds(
    identity: Any, place: AuthorityPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = ensure_authority(Clients(), place, NOW)
    key = ec.generate_private_key(ec.SECP256R1())
    answer = invoke(identity, monkeypatch, place, csr=request(key), service="axon")
    leaf = x509.load_pem_x509_certificate(answer["certificate"].encode())
    authority = x509.load_pem_x509_certificate(answer["authorities"].encode())
    assert answer["authorities"] == root
    assert leaf.public_key() == key.public_key()
    leaf.verify_directly_issued_by(authority)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.critical
    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == [
        "spiffe://shop.prod/orbit"
    ]
    signer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert signer.key_identifier == own.digest
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert leaf.not_valid_after_utc - datetime.now(UTC) < timedelta(hours=24, minutes=1)
    assert len(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == 2


def test_a_client_verifier_accepts_the_leaf(
    identity: Any, place: AuthorityPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = x509.load_pem_x509_certificate(ensure_authority(Clients(), place, NOW).encode())
    answer = invoke(identity, monkeypatch, place, csr=request())
    leaf = x509.load_pem_x509_certificate(answer["certificate"].encode())
    verifier = PolicyBuilder().store(Store([root])).build_client_verifier()
    assert verifier.verify(leaf, []).subjects


def test_the_authority_is_made_once(place: AuthorityPlace) -> None:
    first = ensure_authority(Clients(), place, NOW)
    assert ensure_authority(Clients(), place, NOW + timedelta(days=1)) == first
    certificate = x509.load_pem_x509_certificate(first.encode())
    certificate.verify_directly_issued_by(certificate)
    other = Clients().of("kms", REGION).create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    elsewhere = AuthorityPlace(REGION, other["KeyMetadata"]["KeyId"], BUCKET, "shop.prod")
    with pytest.raises(InvalidInput, match="does not belong"):
        ensure_authority(Clients(), elsewhere, NOW)


def test_the_authority_is_found_where_the_root_module_puts_it() -> None:
    found = authority_place("shop", "prod", "123456789012", REGION)
    assert found.key_id == "alias/shop-prod-identity"
    assert found.bucket == "shop-prod-config-123456789012-eu-central-1"
    assert found.trust_domain == "shop.prod"


@pytest.mark.parametrize(
    "arn",
    [
        ARN.rpartition(":")[0],
        f"{ARN.rpartition(':')[0]}:$LATEST",
        f"{ARN.rpartition(':')[0]}:7",
        f"{ARN}/../axon",
        "",
    ],
)
def test_without_an_alias_nobody_is_anybody(identity: Any, arn: str) -> None:
    with pytest.raises(PermissionError):
        identity.handler.invoked_as(arn)


def broken(pem: str) -> str:
    request_ = x509.load_pem_x509_csr(pem.encode())
    der = bytearray(request_.public_bytes(serialization.Encoding.DER))
    der[-3] ^= 1
    body = base64.b64encode(bytes(der)).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n"


@pytest.mark.parametrize(
    "csr",
    [
        "",
        "nonsense",
        request(rsa.generate_private_key(65537, 2048)),
        request(ec.generate_private_key(ec.SECP384R1())),
        broken(request()),
        request() + request(),
        "-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----",
    ],
    ids=["nothing", "nonsense", "rsa", "p384", "broken", "two", "no-base64"],
)
def test_requests_that_prove_nothing_are_refused(identity: Any, csr: str) -> None:
    with pytest.raises(identity.certificates.BadRequest):
        identity.certificates.requested_key(csr)


def test_signatures_are_verified_as_elsewhere(identity: Any) -> None:
    @settings(max_examples=15)
    @given(st.binary(max_size=100), st.integers(0, 7))
    def holds(message: bytes, flipped: int) -> None:
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        key = ec.generate_private_key(ec.SECP256R1())
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        public = key.public_key().public_numbers()
        point = (public.x, public.y)
        assert identity.p256.verifies(point, message, r, s)
        assert not identity.p256.verifies(point, message + b"x", r, s)
        assert not identity.p256.verifies(point, message, r ^ (1 << flipped), s)

    holds()


def test_der_is_read_strictly(identity: Any) -> None:
    der = identity.der
    for bad in (
        b"\x30\x81\x01\x00",
        b"\x30\x80\x00\x00",
        b"\x30\x05\x00",
        b"\x30",
        b"\x30\x00\x30\x00",
    ):
        with pytest.raises(ValueError, match="DER"):
            der.read(bad, der.SEQUENCE)
    for number in (0, 1, 127, 128, 255, 256, 1 << 127, (1 << 128) - 1):
        assert der.natural(der.read(der.integer(number), der.INTEGER)) == number
    for bad in (b"\x02\x00", b"\x02\x01\x80", b"\x02\x02\x00\x01"):
        with pytest.raises(ValueError, match="DER"):
            der.natural(der.read(bad, der.INTEGER))


APP = App.model_validate(
    {
        "app": "shop",
        "services": {
            "axon": {"image": "a", "library": True, "intents": {"reason": "POST /reason"}},
            "orbit": {"image": "o", "library": True, "calls": {"axon": ["reason"]}},
            "plain": {"image": "p"},
        },
    }
)


def test_signing_keys_reach_those_who_need_them_and_stay(place: AuthorityPlace) -> None:
    signing = SigningSecrets(Clients(), REGION, "prod")
    assert set(signing.write(APP, NOW)) == {
        "shop-prod/fairway/signing", "shop-prod/axon/identity", "shop-prod/orbit/identity",
    }  # fmt: skip
    assert signing.write(APP, NOW) == ()
    assert set(signing.write(APP, NOW + timedelta(days=1))) == {"shop-prod/axon/identity"}
    manager = Clients().of("secretsmanager", REGION)
    axon = json.loads(manager.get_secret_value(SecretId="shop-prod/axon/identity")["SecretString"])
    orbit = json.loads(
        manager.get_secret_value(SecretId="shop-prod/orbit/identity")["SecretString"]
    )
    verifying = axon["verifying.json"]["keys"]
    assert {entry["caller"] for entry in verifying} == {"orbit"}
    assert len({entry["date"] for entry in verifying}) == 9
    assert orbit["signing.json"]["keys"][0]["key_id"] == "orbit.1"
    assert orbit["signing.json"]["keys"][0]["secret"] not in json.dumps(axon)


def test_what_a_service_was_given_is_not_read(place: AuthorityPlace) -> None:
    """The policies of these secrets refuse it to everybody but the service."""
    clients, read = Clients(), set()
    clients.of("secretsmanager", REGION).meta.events.register(
        "provide-client-params.secrets-manager.GetSecretValue",
        lambda params, **_: read.add(params["SecretId"]),
    )
    for day in (0, 0, 1):
        SigningSecrets(clients, REGION, "prod").write(APP, NOW + timedelta(days=day))
    assert read == {"shop-prod/fairway/signing"}


def test_what_was_given_before_can_be_given_again(place: AuthorityPlace) -> None:
    signing, axon = SigningSecrets(Clients(), REGION, "prod"), {"shop-prod/axon/identity"}
    signing.write(APP, NOW)
    for day in (1, 0):
        assert set(signing.write(APP, NOW + timedelta(days=day))) == axon
        assert signing.write(APP, NOW + timedelta(days=day)) == ()


def test_a_secret_without_a_value_gets_one(place: AuthorityPlace) -> None:
    Clients().of("secretsmanager", REGION).create_secret(Name="shop-prod/axon/identity")
    assert "shop-prod/axon/identity" in SigningSecrets(Clients(), REGION, "prod").write(APP, NOW)

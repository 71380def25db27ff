"""The certificate authority: SPIFFE leaves, half-life, files that only the user can read."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from fairway.errors import InvalidInput
from fairway.targets.local.identity.authority import Authority
from fairway.targets.local.identity.certificates import key_pem, new_key

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def authority(folder: Path, domain: str = "shop.local", lifetime: timedelta = DAY) -> Authority:
    return Authority.open(folder / "ca", folder / "identity", domain, NOW, lifetime)


def certificate(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def test_a_leaf_is_one_spiffe_id_for_client_and_server_use(tmp_path: Path) -> None:
    ours = authority(tmp_path)
    leaf = certificate(ours.leaf("orbit", NOW).certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.critical
    assert [name.value for name in names.value] == ["spiffe://shop.local/orbit"]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert leaf.not_valid_after_utc == NOW + DAY
    assert leaf.not_valid_before_utc < NOW


def test_the_leaf_verifies_against_its_own_authority_only(tmp_path: Path) -> None:
    ours, other = authority(tmp_path / "a"), authority(tmp_path / "b")
    leaf = certificate(ours.leaf("orbit", NOW).certificate)

    def verify(by: Authority) -> None:
        store = Store([certificate(by.trust_bundle)])
        PolicyBuilder().store(store).time(NOW).build_client_verifier().verify(leaf, [])

    verify(ours)
    with pytest.raises(VerificationError):
        verify(other)


def test_the_authority_is_kept_and_signs_no_other_authority(tmp_path: Path) -> None:
    first, again = authority(tmp_path), authority(tmp_path)
    assert first.trust_bundle == again.trust_bundle
    constraints = first.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert first.certificate.not_valid_after_utc > NOW + timedelta(days=3600)


def test_a_leaf_is_kept_until_half_life(tmp_path: Path) -> None:
    ours = authority(tmp_path)
    first = ours.leaf("orbit", NOW)
    almost = NOW + DAY / 2 - timedelta(seconds=1)
    assert ours.leaf("orbit", almost) == first
    assert not ours.is_due("orbit", almost)
    assert ours.is_due("orbit", NOW + DAY / 2)
    renewed = ours.leaf("orbit", NOW + DAY / 2)
    assert renewed.certificate != first.certificate
    assert renewed.key != first.key
    assert renewed.expires_at == NOW + DAY / 2 + DAY


def test_every_key_is_for_this_user_only(tmp_path: Path) -> None:
    authority(tmp_path).leaf("orbit", NOW)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert {"key.pem", "leaf.json", "certificate.pem", "authorities.pem"} == modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700


def test_a_key_never_shows_in_a_repr(tmp_path: Path) -> None:
    leaf = authority(tmp_path).leaf("orbit", NOW)
    assert "PRIVATE" not in repr(leaf)
    assert "PRIVATE" not in str(leaf)


def test_a_new_authority_replaces_every_leaf(tmp_path: Path) -> None:
    old = authority(tmp_path).leaf("orbit", NOW)
    for file in (tmp_path / "ca").iterdir():
        file.unlink()
    assert authority(tmp_path).leaf("orbit", NOW).certificate != old.certificate


def test_a_damaged_leaf_is_replaced(tmp_path: Path) -> None:
    ours = authority(tmp_path)
    old = ours.leaf("orbit", NOW)
    (tmp_path / "identity" / "orbit" / "leaf.json").write_text("{")
    assert ours.leaf("orbit", NOW).certificate != old.certificate


def test_a_damaged_authority_is_reported_never_replaced(tmp_path: Path) -> None:
    ours = authority(tmp_path)
    damages = {
        "cannot be read": b"nonsense",
        "does not belong": key_pem(new_key()).encode(),
    }
    for problem, content in damages.items():
        (tmp_path / "ca" / "key.pem").write_bytes(content)
        with pytest.raises(InvalidInput, match=problem) as caught:
            authority(tmp_path)
        assert str(tmp_path / "ca") in caught.value.where
    assert (tmp_path / "ca" / "certificate.pem").read_text() == ours.trust_bundle

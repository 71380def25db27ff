"""The certificate authority of one app and environment, and the leaves that it hands out.

Who calls it: the mesh (an identity per Envoy, renewed at half-life) and `fairway call` (an
identity per client). Files, all 0600 in 0700 folders and replaced atomically:

    <ca>/certificate.pem, key.pem       the authority; its certificate is the whole trust bundle
    <identity>/<name>/leaf.json         certificate, key and times of one leaf in one file
    <identity>/<name>/{certificate,key,authorities}.pem   the same for programs that want PEM files

It guarantees that a leaf read back belongs to the present authority and is not past half-life;
else a new one is made. Time enters as an argument.

The authority lasts ten years and is not rotated by itself. To rotate it, stop the system, remove
the `ca` folder and start again: every leaf then follows. (Without a stop, one would first add the
new certificate to every trust bundle, then issue leaves, then drop the old one: the trust file
takes several certificates, but nothing drives these steps yet.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fairway.errors import InvalidInput
from fairway.targets.local.identity.certificates import (
    Leaf,
    certificate_pem,
    issue,
    key_pem,
    new_key,
    self_signed_authority,
)
from fairway.targets.local.layout import write_private

LEAF_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority with its key in memory. `lifetime` is that of the leaves it issues."""

    trust_domain: str
    identities: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    lifetime: timedelta = LEAF_LIFETIME

    @classmethod
    def open(
        cls,
        ca: Path,
        identities: Path,
        trust_domain: str,
        now: datetime,
        lifetime: timedelta = LEAF_LIFETIME,
    ) -> Authority:
        """The authority kept in folder `ca`; made when the folder holds none.

        Raises InvalidInput when the files are damaged: they are never overwritten silently.
        """
        certificate, key = _load(ca) or _create(ca, trust_domain, now)
        return cls(trust_domain, identities, certificate, key, lifetime)

    @property
    def trust_bundle(self) -> str:
        """PEM of everything that peers must trust."""
        return certificate_pem(self.certificate)

    def spiffe_id(self, name: str) -> str:
        """The SPIFFE ID of a service, a client or the gateway."""
        return f"spiffe://{self.trust_domain}/{name}"

    def leaf(self, name: str, now: datetime) -> Leaf:
        """The leaf of `name`, as it was if it is before half-life, else a new one, written down."""
        kept = self._kept(name)
        if kept is not None and now < kept.renew_at:
            return kept
        return self.renew(name, now)

    def is_due(self, name: str, now: datetime) -> bool:
        """Whether the leaf of `name` is past half-life, or was never made."""
        kept = self._kept(name)
        return kept is None or now >= kept.renew_at

    def renew(self, name: str, now: datetime) -> Leaf:
        """A new leaf for `name`, written down."""
        leaf = issue(self.certificate, self.key, self.spiffe_id(name), now, self.lifetime)
        folder = self.identities / name
        # The one file that is read back comes last: half a set of files is never believed.
        write_private(folder / "authorities.pem", self.trust_bundle.encode())
        write_private(folder / "certificate.pem", leaf.certificate.encode())
        write_private(folder / "key.pem", leaf.key.encode())
        write_private(folder / "leaf.json", json.dumps(self._entry(leaf)).encode())
        return leaf

    def _entry(self, leaf: Leaf) -> dict[str, str]:
        return {
            "spiffe_id": leaf.spiffe_id,
            "certificate": leaf.certificate,
            "key": leaf.key,
            "issued_at": leaf.issued_at.isoformat(),
            "expires_at": leaf.expires_at.isoformat(),
            "authority": self._fingerprint,
        }

    @property
    def _fingerprint(self) -> str:
        return f"{self.certificate.serial_number:x}"

    def _kept(self, name: str) -> Leaf | None:
        try:
            entry = json.loads((self.identities / name / "leaf.json").read_bytes())
            leaf = Leaf(
                entry["spiffe_id"],
                entry["certificate"],
                entry["key"],
                datetime.fromisoformat(entry["issued_at"]),
                datetime.fromisoformat(entry["expires_at"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # a leaf is cheap: a damaged one is replaced
        ours = entry.get("authority") == self._fingerprint
        return leaf if ours and leaf.spiffe_id == self.spiffe_id(name) else None


def _load(ca: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    try:
        certificate = x509.load_pem_x509_certificate((ca / "certificate.pem").read_bytes())
        key = load_pem_private_key((ca / "key.pem").read_bytes(), password=None)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise _damaged(ca, "cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _damaged(ca, "holds a key of another kind")
    if key.public_key() != certificate.public_key():
        raise _damaged(ca, "holds a key that does not belong to its certificate")
    return certificate, key


def _damaged(ca: Path, problem: str) -> InvalidInput:
    return InvalidInput(
        "authority-damaged",
        f"the certificate authority {problem}",
        where=str(ca),
        remedy="stop the system and remove that folder: a new authority is made at the next start",
    )


def _create(
    ca: Path, trust_domain: str, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = new_key()
    certificate = self_signed_authority(key, trust_domain, now)
    # The certificate comes last: without it the key counts for nothing and is made again.
    write_private(ca / "key.pem", key_pem(key).encode(), durable=True)
    write_private(ca / "certificate.pem", certificate_pem(certificate).encode(), durable=True)
    return certificate, key

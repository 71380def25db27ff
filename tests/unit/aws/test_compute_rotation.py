"""The function that rotates secrets: its steps, and a password changed in a real PostgreSQL."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.postgres import POSTGRES, Server

FOLDER = Path(__file__).parents[3] / "infra/modules/secrets/rotation"
SECRET = "shop-prod/orbit/KEY"


def _modules(*names: str) -> Iterator[Any]:
    """Modules of the function, imported as Lambda does: beside each other on the path."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield from map(import_module, names)
    finally:
        sys.path.remove(str(FOLDER))
        for name in names:  # other functions have modules of these names
            del sys.modules[name]


handler, kinds, scram, wire = _modules("handler", "kinds", "scram", "wire")


@dataclass
class Vault:
    """As much of Secrets Manager as a rotation uses, with one secret."""

    kind: str
    values: dict[str, str]
    stages: dict[str, list[str]]
    writes: list[str] = field(default_factory=list)

    class NotFound(Exception):
        pass

    exceptions = SimpleNamespace(ResourceNotFoundException=NotFound)

    def describe_secret(self, SecretId: str) -> dict[str, Any]:
        tags = [{"Key": "fairway:rotate", "Value": self.kind}]
        stages = {version: list(names) for version, names in self.stages.items()}
        return {"VersionIdsToStages": stages, "Tags": tags}

    def get_secret_value(
        self, SecretId: str, VersionStage: str, VersionId: str | None = None
    ) -> dict[str, str]:
        staged = (v for v, names in self.stages.items() if VersionStage in names)
        version = VersionId or next(staged, "")
        if version not in self.values:
            raise self.NotFound
        return {"SecretString": self.values[version]}

    def put_secret_value(
        self, SecretId: str, ClientRequestToken: str, SecretString: str, VersionStages: list[str]
    ) -> None:
        self.writes.append(SecretString)
        self.values[ClientRequestToken] = SecretString
        self.stages[ClientRequestToken] = list(VersionStages)

    def update_secret_version_stage(
        self, SecretId: str, VersionStage: str, MoveToVersionId: str, RemoveFromVersionId: str = ""
    ) -> None:
        if RemoveFromVersionId:
            self.stages[RemoveFromVersionId].remove(VersionStage)
        self.stages[MoveToVersionId].append(VersionStage)


def vault(kind: str, current: str) -> Vault:
    """A secret whose rotation to version "two" was started."""
    return Vault(kind, {"one": current}, {"one": ["AWSCURRENT"], "two": ["AWSPENDING"]})


def step(vault: Vault, name: str, token: str = "two") -> None:
    handler.rotate(vault, {"SecretId": SECRET, "ClientRequestToken": token, "Step": name})


STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def test_a_key_is_renewed_in_four_steps() -> None:
    it = vault("random", "old")
    for name in STEPS:
        step(it, name)
    assert "AWSCURRENT" in it.stages["two"]
    assert it.stages["one"] == []
    assert len(base64.urlsafe_b64decode(it.values["two"] + "=")) == 32


def test_a_step_that_comes_again_changes_nothing() -> None:
    it = vault("random", "old")
    for name in STEPS:
        step(it, name)
        step(it, name)
    assert len(it.writes) == 1


def test_a_key_that_was_never_set_gets_its_first_value() -> None:
    it = Vault("random", {}, {"two": ["AWSPENDING"]})
    step(it, "testSecret")  # Secrets Manager asks for it alone when rotation is switched on
    for name in STEPS:
        step(it, name)
    assert "AWSCURRENT" in it.stages["two"]


def test_a_password_that_was_never_set_cannot_be_renewed() -> None:
    it = Vault("postgres", {}, {"two": ["AWSPENDING"]})
    step(it, "testSecret")
    with pytest.raises(ValueError, match="no value yet"):
        step(it, "createSecret")


def test_a_rotation_that_nobody_started_is_refused() -> None:
    with pytest.raises(ValueError, match="no version three"):
        step(vault("random", "old"), "createSecret", token="three")


def test_a_kind_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="postgres, random"):
        step(vault("mysql", "old"), "createSecret")


def test_what_is_not_a_key_does_not_become_current() -> None:
    it = vault("random", "old")
    it.values["two"] = "short"
    with pytest.raises(ValueError, match="too short"):
        step(it, "testSecret")


def test_a_password_keeps_everything_else_of_its_document() -> None:
    old = {"engine": "postgres", "host": "db", "port": 5432, "username": "orbit", "password": "a"}
    new = json.loads(kinds.PostgresPassword().renewed(json.dumps(old)))
    assert new | {"password": "a"} == old
    assert new["password"] != "a"


def test_scram_computes_the_example_of_rfc_7677() -> None:
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    challenge = f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    answer = scram.answer("pencil", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", challenge)
    assert answer.message == (f"c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    scram.check_server(answer, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(scram.ServerUnproven):
        scram.check_server(answer, "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_a_server_that_answers_for_another_client_is_refused() -> None:
    challenge = "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    with pytest.raises(scram.ServerUnproven):
        scram.answer("pencil", scram.first_message("mine"), challenge)


@given(st.text())
def test_names_and_texts_cannot_end_themselves(text: str) -> None:
    assert wire.quoted(text)[1:-1].replace('""', "").count('"') == 0
    assert wire.literal(text)[1:-1].replace("''", "").count("'") == 0


class TestInPostgres:
    pytestmark = POSTGRES

    def test_the_password_is_changed_by_the_role_itself(
        self, postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with _role(postgres_server) as role, _behind_tls(postgres_server, tmp_path) as port:
            monkeypatch.setenv("CA_FILE", str(tmp_path / "authority.pem"))
            document = {"host": "127.0.0.1", "port": port, "dbname": "postgres", "username": role}
            it = vault("postgres", json.dumps(document | {"password": "first"}))
            for name in (*STEPS[:2], *STEPS):
                step(it, name)
            password = json.loads(it.values["two"])["password"]
            _signs_in(postgres_server, role, password)
            with pytest.raises(psycopg.OperationalError):
                _signs_in(postgres_server, role, "first")

    def test_a_wrong_password_ends_the_rotation(
        self, postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with _role(postgres_server) as role, _behind_tls(postgres_server, tmp_path) as port:
            monkeypatch.setenv("CA_FILE", str(tmp_path / "authority.pem"))
            document = {"host": "127.0.0.1", "port": port, "dbname": "postgres", "username": role}
            it = vault("postgres", json.dumps(document | {"password": "not it"}))
            step(it, "createSecret")
            with pytest.raises(wire.Refused) as refused:
                step(it, "setSecret")
            assert refused.value.code == "28P01"
            assert "AWSCURRENT" in it.stages["one"]

    def test_a_server_that_nobody_vouches_for_gets_no_password(
        self, postgres_server: Server, tmp_path: Path
    ) -> None:
        with _behind_tls(postgres_server, tmp_path) as port:
            place = wire.Place("127.0.0.1", port, "postgres", "fairway")
            with pytest.raises(ssl.SSLCertVerificationError), wire.connected(place, "x"):
                pass


@contextmanager
def _role(server: Server) -> Iterator[str]:
    name = 'o"rbit'
    server.execute(f"CREATE ROLE {wire.quoted(name)} LOGIN PASSWORD 'first'")
    try:
        yield name
    finally:
        server.execute(f"DROP ROLE {wire.quoted(name)}")


def _signs_in(server: Server, role: str, password: str) -> None:
    where = str(server.folder)
    psycopg.connect(host=where, dbname="postgres", user=role, password=password).close()


@contextmanager
def _behind_tls(server: Server, folder: Path) -> Iterator[int]:
    """A port that speaks TLS as PostgreSQL does, in front of the server's Unix socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, context, server), daemon=True).start()
        yield listening.getsockname()[1]


def _serve(listening: socket.socket, context: ssl.SSLContext, server: Server) -> None:
    with suppress(OSError):
        while True:
            plain, _ = listening.accept()
            threading.Thread(target=_relay, args=(plain, context, server), daemon=True).start()


def _relay(plain: socket.socket, context: ssl.SSLContext, server: Server) -> None:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as behind:
        plain.recv(8)
        plain.sendall(b"S")
        with context.wrap_socket(plain, server_side=True) as front:
            behind.connect(str(next(server.folder.glob(".s.PGSQL.*[0-9]"))))
            threading.Thread(target=_copy, args=(behind, front), daemon=True).start()
            _copy(front, behind)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(65536):
            sink.sendall(content)


def _certificate(folder: Path) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key; `authority.pem` is the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "postgres")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "authority.pem").write_bytes(public)
    (folder / "server.pem").write_bytes(private + public)
    return folder / "server.pem"

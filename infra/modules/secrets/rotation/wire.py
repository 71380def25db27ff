"""As much of PostgreSQL's protocol as changing a password takes: Lambda's Python has no client.

Used by `kinds`. Over TLS with a certificate that is checked, signing in by SCRAM-SHA-256 only, one
simple statement at a time. https://www.postgresql.org/docs/current/protocol.html, version 3.0.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import scram

TIMEOUT = 5.0
_TLS_PLEASE = struct.pack("!II", 8, 80877103)
_VERSION = 196608
_SASL, _SASL_CONTINUE, _SASL_FINAL, _WELCOME = 10, 11, 12, 0


class Refused(Exception):
    """The server answered with an error; `code` is its SQLSTATE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


@dataclass(frozen=True)
class Place:
    """A database and the role that signs in; `authorities` is a file of certificates (PEM)."""

    host: str
    port: int
    database: str
    user: str
    authorities: str | None = None


@contextmanager
def connected(place: Place, password: str) -> Iterator[Session]:
    """A session that is signed in; Refused if the server does not take the password."""
    with socket.create_connection((place.host, place.port), TIMEOUT) as plain:
        plain.sendall(_TLS_PLEASE)
        if plain.recv(1) != b"S":
            raise ConnectionError(f"{place.host} does not speak TLS")
        context = ssl.create_default_context(cafile=place.authorities)
        with context.wrap_socket(plain, server_hostname=place.host) as connection:
            session = Session(connection)
            session.sign_in(place, password)
            yield session


class Session:
    """A connection to a server, as it was opened."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")

    def sign_in(self, place: Place, password: str) -> None:
        """Prove that we know the password, and let the server prove it as well."""
        names = ("user", place.user, "database", place.database, "")
        start = struct.pack("!I", _VERSION) + b"".join(_cstring(name) for name in names)
        self._connection.sendall(struct.pack("!I", len(start) + 4) + start)
        self._expect(_SASL)
        first = scram.first_message(secrets.token_urlsafe(18))
        length = struct.pack("!I", len(first))
        self._send(b"p", _cstring("SCRAM-SHA-256") + length + first.encode())
        mine = scram.answer(password, first, self._expect(_SASL_CONTINUE))
        self._send(b"p", mine.message.encode())
        scram.check_server(mine, self._expect(_SASL_FINAL))
        self._expect(_WELCOME)
        self._until_ready()

    def run(self, statement: str) -> None:
        """Run one statement; Refused if the server does not."""
        self._send(b"Q", _cstring(statement))
        self._until_ready()

    def _expect(self, kind: int) -> str:
        """The text of the next message about signing in, which is of this kind."""
        tag, content = self._receive()
        (got,) = struct.unpack("!I", content[:4]) if tag == b"R" else (None,)
        if got != kind:
            raise Refused("28000", f"the server asks for another way to sign in: {got}")
        return content[4:].decode()

    def _until_ready(self) -> None:
        while self._receive()[0] != b"Z":
            pass

    def _send(self, tag: bytes, content: bytes) -> None:
        self._connection.sendall(tag + struct.pack("!I", len(content) + 4) + content)

    def _receive(self) -> tuple[bytes, bytes]:
        tag, length = struct.unpack("!cI", self._read(5))
        content = self._read(length - 4)
        if tag == b"E":
            raise _refusal(content)
        return tag, content

    def _read(self, size: int) -> bytes:
        content = self._stream.read(size)
        if len(content) < size:
            raise ConnectionError("the server closed the connection")
        return content


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _cstring(text: str) -> bytes:
    return text.encode() + b"\0"


def _refusal(content: bytes) -> Refused:
    fields = {part[:1]: part[1:].decode() for part in content.split(b"\0") if part}
    return Refused(fields.get(b"C", ""), fields.get(b"M", "the server refused"))

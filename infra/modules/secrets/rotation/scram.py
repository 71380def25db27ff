"""SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL speaks it. Pure.

Used by `wire` to sign in and by `kinds` to set a password. Passwords are ASCII, which SASLprep
leaves alone.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import pbkdf2_hmac, sha256

ITERATIONS = 4096
HEADER = "n,,"
"""No channel binding, no other identity."""


class ServerUnproven(Exception):
    """The server does not know the password: it is not the one we meant."""


@dataclass(frozen=True)
class Answer:
    """The last message of the client, and what the server must prove then."""

    message: str
    proof_of_server: bytes


def verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """What PostgreSQL keeps of a password: whoever reads it cannot sign in with it."""
    salted = _salted(password, salt, iterations)
    stored = sha256(_keyed(salted, b"Client Key")).digest()
    server = _keyed(salted, b"Server Key")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def first_message(nonce: str) -> str:
    """The first message of the client. The name is empty: PostgreSQL knows it already."""
    return f"{HEADER}n=,r={nonce}"


def answer(password: str, first: str, challenge: str) -> Answer:
    """The client's proof that it knows the password, after both first messages."""
    bare, fields = first.removeprefix(HEADER), _fields(challenge)
    if not fields["r"].startswith(_fields(bare)["r"]):
        raise ServerUnproven("the server's nonce does not continue the client's")
    salted = _salted(password, b64decode(fields["s"]), int(fields["i"]))
    without_proof = f"c={_text(HEADER.encode())},r={fields['r']}"
    signed = ",".join((bare, challenge, without_proof)).encode()
    key = _keyed(salted, b"Client Key")
    signature = _keyed(sha256(key).digest(), signed)
    proof = bytes(left ^ right for left, right in zip(key, signature, strict=True))
    return Answer(
        f"{without_proof},p={_text(proof)}", _keyed(_keyed(salted, b"Server Key"), signed)
    )


def check_server(expected: Answer, message: str) -> None:
    """Raise ServerUnproven unless the server's last message proves that it knows the password."""
    proof = b64decode(_fields(message).get("v", ""))
    if not hmac.compare_digest(proof, expected.proof_of_server):
        raise ServerUnproven("the server did not prove that it knows the password")


def _salted(password: str, salt: bytes, iterations: int) -> bytes:
    return pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def _keyed(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _text(content: bytes) -> str:
    return b64encode(content).decode()


def _fields(message: str) -> dict[str, str]:
    return {part[0]: part[2:] for part in message.split(",")}

"""What kinds of secrets are rotated, and how each is renewed, put into force and tried.

Used by `handler`. `random` is a signing key that only its readers know: they accept the one before
as well until it is gone. `postgres` is the password of a role in PostgreSQL, kept as JSON in the
form that Secrets Manager documents (engine, host, port, dbname, username, password).
"""

from __future__ import annotations

import json
import os
import secrets
from typing import Any, Protocol

from scram import verifier
from wire import Place, Refused, connected, literal, quoted

KEY_BYTES = 32


class Kind(Protocol):
    """How secrets of one kind are rotated."""

    def renewed(self, current: str | None) -> str:
        """A new value in place of the current one, if there is one."""

    def put_into_force(self, current: str | None, pending: str) -> None:
        """Tell whoever checks the value; doing it again changes nothing."""

    def try_it(self, pending: str) -> None:
        """Use the value as its readers will; raises if it does not work."""


class RandomKey:
    """A key that nobody but its readers knows."""

    def renewed(self, current: str | None) -> str:  # noqa: ARG002 - nothing of it remains
        """Random bytes as text."""
        return secrets.token_urlsafe(KEY_BYTES)

    def put_into_force(self, current: str | None, pending: str) -> None:
        """Nothing: nobody checks it elsewhere."""

    def try_it(self, pending: str) -> None:
        """It is as long as it should be."""
        if len(pending) < KEY_BYTES:
            raise ValueError("the new key is too short")


class PostgresPassword:
    """The password of a role, which the role itself changes."""

    def renewed(self, current: str | None) -> str:
        """The same document with another password."""
        return json.dumps(_document(current) | {"password": secrets.token_urlsafe(KEY_BYTES)})

    def put_into_force(self, current: str | None, pending: str) -> None:
        """Change the password, unless the new one works already."""
        wanted = _document(pending)
        try:
            self.try_it(pending)
        except Refused:
            # The server gets a verifier, so that no statement log ever has the password.
            proof = verifier(wanted["password"], secrets.token_bytes(16))
            role = quoted(wanted["username"])
            with connected(_place(wanted), _document(current)["password"]) as session:
                session.run(f"ALTER ROLE {role} PASSWORD {literal(proof)}")

    def try_it(self, pending: str) -> None:
        """Sign in and ask something."""
        wanted = _document(pending)
        with connected(_place(wanted), wanted["password"]) as session:
            session.run("SELECT 1")


def _document(value: str | None) -> dict[str, Any]:
    if value is None:
        raise ValueError("the secret has no value yet: set one with host, username and password")
    found: dict[str, Any] = json.loads(value)
    return found


def _place(document: dict[str, Any]) -> Place:
    return Place(
        host=document["host"],
        port=int(document.get("port", 5432)),
        database=document.get("dbname") or "postgres",
        user=document["username"],
        authorities=os.environ.get("CA_FILE"),
    )


KINDS: dict[str, Kind] = {"random": RandomKey(), "postgres": PostgresPassword()}
"""By the value of the tag that names the kind."""

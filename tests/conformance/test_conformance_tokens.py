"""API tokens on SQLite and PostgreSQL: who comes in, who does not, and what can be read of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fairway.errors import InvalidInput, NotFound
from fairway.governance.database import MIGRATIONS
from fairway.governance.tokens import ROLES, Identity, Role, Token, Tokens, includes
from fairway.storage.database import Database
from fairway.storage.migrations import migrate


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(database: Database, clock: Clock) -> Tokens:
    migrate(database, "governance", MIGRATIONS)
    return Tokens(database, clock=clock)


@pytest.mark.parametrize("role", ROLES)
def test_a_token_stands_for_whom_it_was_issued_to(tokens: Tokens, role: Role) -> None:
    issued = tokens.issue("ada", role, by="root")
    assert issued.secret.startswith(f"fwy_{issued.id}_")
    assert tokens.check(issued.secret) == Identity("ada", role)


def test_every_token_is_another(tokens: Tokens) -> None:
    issued = [tokens.issue("ci", "deployer", by="ada") for _ in range(20)]
    assert len({each.id for each in issued} | {each.secret for each in issued}) == 40
    assert all(tokens.check(each.secret) for each in issued)


def test_what_is_no_token_lets_nobody_in(tokens: Tokens) -> None:
    one, other = (tokens.issue(name, "admin", by="root") for name in ("ada", "grace"))
    good = one.secret
    wrong = (
        "", "fwy_", good[:-1], good + "A", good.upper(), f" {good}", f"{good}\n",
        "ünïcode \0 \ud800",
        good[:-1] + ("A" if good[-1] != "A" else "E"),
        other.secret.replace(other.id, one.id),
        good.replace(one.id, "0" * 12),
        "fwy_" + "%" * 12 + "_" + "%" * 43,
    )  # fmt: skip
    assert [tokens.check(each) for each in wrong] == [None] * len(wrong)


def test_a_revoked_token_is_worthless_at_once_everywhere(
    tokens: Tokens, clock: Clock, opening: Callable[[], Database]
) -> None:
    elsewhere = Tokens(opening(), clock=clock)
    issued, kept = (tokens.issue("ada", "admin", by="root") for _ in range(2))
    assert elsewhere.check(issued.secret)
    tokens.revoke(issued.id)
    assert elsewhere.check(issued.secret) is None
    assert elsewhere.check(kept.secret)
    for absent in (issued.id, "nothing", "' OR ''='"):
        with pytest.raises(NotFound):
            tokens.revoke(absent)


def test_a_token_ends_when_it_was_to_end(tokens: Tokens, clock: Clock) -> None:
    issued = tokens.issue("ci", "deployer", by="ada", expires=1060.0)
    clock.now = 1059.9
    assert tokens.check(issued.secret)
    clock.now = 1060.0
    assert tokens.check(issued.secret) is None


def test_the_last_use_is_known_to_a_minute(tokens: Tokens, clock: Clock) -> None:
    issued = tokens.issue("ci", "deployer", by="ada")

    def used() -> float | None:
        return tokens.all()[0].used

    assert used() is None
    for now, expected in ((1001.0, 1001.0), (1060.9, 1001.0), (1061.0, 1061.0)):
        clock.now = now
        assert tokens.check(issued.secret)
        assert used() == expected
    clock.now = 2000.0
    assert tokens.check(issued.secret[:-1] + "!") is None
    assert used() == 1061.0


def test_the_list_shows_everything_but_secrets(
    tokens: Tokens, clock: Clock, database: Database
) -> None:
    first = tokens.issue("ada", "admin", by="root", expires=5000.0)
    clock.now = 1001.0
    second = tokens.issue("ci", "deployer", by="ada")
    tokens.revoke(second.id)
    assert tokens.all() == (
        Token(first.id, "ada", "admin", "root", 1000.0, 5000.0, None, None),
        Token(second.id, "ci", "deployer", "ada", 1001.0, None, 1001.0, None),
    )
    with database.reading() as connection:
        kept = repr(connection.execute("SELECT * FROM tokens"))
    for issued in (first, second):
        assert issued.secret.rpartition(issued.id)[2].removeprefix("_") not in kept


def test_a_request_comes_in_while_someone_else_writes(
    tokens: Tokens, opening: Callable[[], Database]
) -> None:
    issued = tokens.issue("ci", "deployer", by="ada")
    assert tokens.check(issued.secret)
    with opening().writing():
        assert tokens.check(issued.secret)


@pytest.mark.parametrize(
    ("name", "role", "expires", "words"),
    [
        ("ada", "root", None, "no role 'root'"),
        (" ", "admin", None, "needs a name"),
        ("ada", "admin", 1000.0, "expired already"),
        ("ada", "admin", float("nan"), "expired already"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_issued(
    tokens: Tokens, name: str, role: Role, expires: float | None, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        tokens.issue(name, role, by="root", expires=expires)
    assert tokens.all() == ()


def test_each_role_includes_those_before_it() -> None:
    assert ROLES == ("viewer", "deployer", "approver", "admin")
    assert [includes("deployer", needed) for needed in ROLES] == [True, True, False, False]
    assert all(includes("admin", needed) for needed in ROLES)

"""Secrets: kept private, handed only to who declares them, versioned, never shown."""

import stat

import pytest

from fairway.errors import InvalidInput
from fairway.targets.local.secret_files import Secret, SecretStore, available, hand_out, require


@pytest.fixture
def store(tmp_path):
    return SecretStore(tmp_path / "secrets.json")


def test_values_are_stored_with_versions(store, tmp_path):
    assert store.all() == {}
    assert store.set("KEY", "one", now=1.0) == Secret("one", 1, 1.0)
    assert store.set("KEY", "one", now=2.0) == Secret("one", 1, 1.0)
    assert store.set("KEY", "two", now=3.0) == Secret("two", 2, 3.0)
    assert SecretStore(tmp_path / "secrets.json").all() == {"KEY": Secret("two", 2, 3.0)}
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_value_that_no_variable_can_hold_is_refused(store):
    with pytest.raises(InvalidInput, match="zero byte") as caught:
        store.set("KEY", "hun\0ter2", now=1.0)
    assert "ter2" not in str(caught.value)
    assert store.all() == {}


def test_a_secret_can_be_removed(store):
    store.set("KEY", "one", now=1.0)
    assert store.remove("KEY")
    assert not store.remove("KEY")
    assert store.all() == {}


@pytest.mark.parametrize("content", ["{", "[]", '{"secrets": {"K": {"v": "hunter2"}}}', "null"])
def test_a_damaged_store_is_reported_without_its_content_and_kept(store, tmp_path, content):
    path = tmp_path / "secrets.json"
    path.write_text(content)
    with pytest.raises(InvalidInput) as caught:
        store.set("OTHER", "x", now=1.0)
    assert caught.value.where == str(path)
    assert caught.value.__cause__ is None
    assert "hunter2" not in str(caught.value)
    assert path.read_text() == content


def test_a_value_never_shows():
    assert "hunter2" not in repr(Secret("hunter2"))


def test_the_stored_value_wins_over_the_environment():
    found = available(
        ["A", "B", "C"], {"A": Secret("stored", 4, 1.0)}, {"A": "shell", "B": "shell"}
    )
    assert found == {"A": Secret("stored", 4, 1.0), "B": Secret("shell", 1, None)}


def test_all_missing_secrets_are_named_with_the_command_to_set_them():
    declared = {"orbit": ["A", "B"], "axon": ["B", "C"]}
    with pytest.raises(InvalidInput) as caught:
        require(declared, {"C": Secret("x")})
    assert caught.value.message == "no value is known for: B for axon, orbit; A for orbit"
    assert "fairway secrets set B ; fairway secrets set A" in caught.value.remedy
    require(declared, {name: Secret("x") for name in "ABC"})


def test_a_service_gets_exactly_its_own(tmp_path):
    folder = tmp_path / "secrets" / "orbit"
    hand_out(folder, {"A": Secret("one"), "B": Secret("ünï\n")})
    assert {p.name: p.read_text() for p in folder.iterdir()} == {"A": "one", "B": "ünï\n"}
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    hand_out(folder, {"A": Secret("one")})
    assert [p.name for p in folder.iterdir()] == ["A"]


def test_only_a_new_value_looks_like_a_new_version(tmp_path):
    hand_out(tmp_path, {"A": Secret("one")})
    before = (tmp_path / "A").stat()
    hand_out(tmp_path, {"A": Secret("one")})
    assert (tmp_path / "A").stat().st_ino == before.st_ino
    hand_out(tmp_path, {"A": Secret("two")})
    after = (tmp_path / "A").stat()
    assert after.st_ino != before.st_ino
    assert (tmp_path / "A").read_text() == "two"

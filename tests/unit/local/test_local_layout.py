"""The state folder: private, versioned, never half-written, never silently dropped."""

import os
import stat
from pathlib import Path

import pytest

from fairway.errors import Conflict, Refused
from fairway.targets.local.layout import (
    StateDir,
    open_sockets,
    open_state,
    private_dir,
    private_file,
    remove_sockets,
    write_private,
)
from fairway.targets.local.lock import Holder, hold


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_fresh_state_is_private_and_versioned(tmp_path):
    opened = open_state(tmp_path, stamp="s")
    state = opened.state
    assert opened.messages == ()
    assert state.version_file.read_text() == "1\n"
    assert {mode(p) for p in (state.root, state.home, state.logs)} == {0o700}
    assert mode(state.version_file) == 0o600
    assert (state.root / ".gitignore").read_text() == "*\n"


def test_opening_it_again_keeps_what_is_there(tmp_path):
    state = open_state(tmp_path, stamp="s").state
    write_private(state.ledger, b"{}")
    assert open_state(tmp_path, stamp="s").messages == ()
    assert state.ledger.read_bytes() == b"{}"


def test_two_paths_to_one_folder_are_one_instance(tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (tmp_path / "link").symlink_to(app)
    one = open_state(app, stamp="s").state
    assert open_state(tmp_path / "link", stamp="s").state.instance == one.instance
    assert open_state(app, "staging", stamp="s").state.instance != one.instance


def test_an_older_version_is_migrated_and_kept_as_a_backup(tmp_path):
    state = open_state(tmp_path, stamp="s", version=1).state
    write_private(state.home / "old-name", b"precious")

    def first(root: Path) -> None:
        (root / "local" / "old-name").rename(root / "local" / "middle-name")

    def second(root: Path) -> None:
        (root / "local" / "middle-name").rename(root / "local" / "new-name")

    opened = open_state(tmp_path, stamp="s", version=3, migrations={1: first, 2: second})
    assert (state.home / "new-name").read_bytes() == b"precious"
    assert state.version_file.read_text() == "3\n"
    backup = tmp_path / ".fairway.backup-v1-s"
    assert (backup / "local" / "old-name").read_bytes() == b"precious"
    assert len(opened.messages) == 1
    assert str(backup) in opened.messages[0]


def test_a_failing_migration_leaves_the_original(tmp_path):
    state = open_state(tmp_path, stamp="s", version=1).state
    write_private(state.home / "data", b"precious")

    def broken(root: Path) -> None:
        (root / "local" / "data").unlink()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        open_state(tmp_path, stamp="s", version=2, migrations={1: broken})
    assert (state.home / "data").read_bytes() == b"precious"
    assert state.version_file.read_text() == "1\n"
    assert [p.name for p in tmp_path.iterdir()] == [".fairway"]


@pytest.mark.parametrize(
    ("found", "label"), [("7", "v7"), ("0", "v0"), ("what?", "unknown"), (None, "unknown")]
)
def test_a_version_that_cannot_be_read_is_moved_aside_with_a_message(tmp_path, found, label):
    state = open_state(tmp_path, stamp="s").state
    write_private(state.home / "data", b"precious")
    state.version_file.unlink()
    if found is not None:
        write_private(state.version_file, found.encode())
    opened = open_state(tmp_path, stamp="s")
    backup = tmp_path / f".fairway.backup-{label}-s"
    assert (backup / "local" / "data").read_bytes() == b"precious"
    assert str(backup) in opened.messages[0]
    assert not (state.home / "data").exists()
    assert state.version_file.read_text() == "1\n"


def test_a_second_backup_does_not_overwrite_the_first(tmp_path):
    for content in (b"first", b"second"):
        state = open_state(tmp_path, stamp="s").state
        write_private(state.home / "data", content)
        write_private(state.version_file, b"9")
        open_state(tmp_path, stamp="s")
    kept = {(p / "local" / "data").read_bytes() for p in tmp_path.glob(".fairway.backup-*")}
    assert kept == {b"first", b"second"}


def test_state_of_another_version_in_use_is_not_touched(tmp_path):
    state = open_state(tmp_path, stamp="s").state
    write_private(state.version_file, b"9")
    with (
        hold(state.lock, Holder(os.getpid(), 0.0, "fairway up")),
        pytest.raises(Conflict, match=str(os.getpid())),
    ):
        open_state(tmp_path, stamp="s")
    assert state.version_file.read_bytes() == b"9"


def test_a_private_file_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "new" / "file"
    write_private(path, b"one")
    inode = path.stat().st_ino
    write_private(path, b"two", durable=True)
    assert path.read_bytes() == b"two"
    assert path.stat().st_ino != inode
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "file"
    write_private(path, b"one")
    with pytest.raises(TypeError):
        write_private(path, "not bytes")
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_folders_above_a_private_one_are_private_too(tmp_path):
    private_dir(tmp_path / "identity" / "axon" / "keys")
    assert mode(tmp_path / "identity") == mode(tmp_path / "identity" / "axon") == 0o700


def test_a_log_that_a_program_appends_to_is_private(tmp_path):
    log = tmp_path / "logs" / "axon.access.log"
    private_file(log)
    log.write_bytes(b"one\n")
    log.chmod(0o644)
    private_file(log)
    assert log.read_bytes() == b"one\n"
    assert mode(log) == 0o600
    assert mode(log.parent) == 0o700


def test_an_open_folder_is_made_private(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    private_dir(folder)
    assert mode(folder) == 0o700


def test_the_socket_folder_is_short_private_and_removed(tmp_path):
    deep = tmp_path / ("long-" * 30)
    deep.mkdir()
    state = open_state(deep, stamp="s").state
    path = open_sockets(state)
    assert len(str(path / "some-service-name.sock")) < 104
    assert mode(path) == 0o700
    (path / "a.sock").touch()
    assert open_sockets(state) == path
    remove_sockets(state)
    assert not path.exists()
    remove_sockets(state)


def test_a_prepared_socket_folder_is_refused(tmp_path):
    state = StateDir(tmp_path)
    (tmp_path / "trap").mkdir()
    state.sockets.symlink_to(tmp_path / "trap")
    try:
        with pytest.raises(Refused):
            open_sockets(state)
        with pytest.raises(Refused):
            remove_sockets(state)
        assert (tmp_path / "trap").exists()
    finally:
        state.sockets.unlink()

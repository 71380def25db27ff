"""Log files stay bounded while their program keeps writing, and readers miss nothing."""

import os

from fairway.cli.log_files import Follower, Logs
from fairway.targets.local.layout import StateDir
from fairway.targets.local.log_files import cut_away, last_lines, prune, rotate, rotated, size


def test_a_small_log_is_left_alone(tmp_path):
    path = tmp_path / "a.0.log"
    assert not rotate(path)
    path.write_text("x" * 100)
    assert not rotate(path, max_bytes=100)
    assert list(tmp_path.iterdir()) == [path]


def test_the_program_writes_on_into_the_emptied_file(tmp_path):
    path = tmp_path / "a.0.log"
    program = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in range(6):
        os.write(program, f"line {number}\n".encode())
        assert rotate(path, max_bytes=3, kept=3)
    os.write(program, b"last\n")
    os.close(program)
    assert path.read_text() == "last\n"
    kept = [rotated(path, n).read_text() for n in (1, 2, 3)]
    assert kept == ["line 5\n", "line 4\n", "line 3\n"]
    assert len(list(tmp_path.iterdir())) == 4
    assert rotated(path, 1).stat().st_mode & 0o777 == 0o600


def test_the_last_lines_of_this_run(tmp_path):
    path = tmp_path / "a.0.log"
    assert last_lines(path, 3) == ()
    path.write_bytes(b"earlier run\n")
    begin = size(path)
    with path.open("ab") as file:
        file.write(b"".join(b"%d\n" % n for n in range(20)) + b"\xff no newline")
    assert last_lines(path, 2) == ("19", "� no newline")
    assert "earlier run" in last_lines(path, 100)
    assert "earlier run" not in last_lines(path, 100, since=begin)


def test_last_lines_of_a_log_rotated_since_begin_at_its_top(tmp_path):
    path = tmp_path / "a.0.log"
    path.write_text("fresh\n")
    assert last_lines(path, 10, since=5000) == ("fresh",)


def test_a_huge_log_is_not_read_whole(tmp_path):
    path = tmp_path / "a.0.log"
    with path.open("wb") as file:
        file.truncate(2**33)
        file.seek(2**33)
        file.write(b"\nend\n")
    assert last_lines(path, 1) == ("end",)


def test_whoever_follows_misses_nothing_when_a_log_is_cut(tmp_path):
    path = tmp_path / "a.0.log"
    path.write_text("one\n")
    follower = Follower(path)
    assert [line.text for line in follower.fresh(0.0)] == ["one"]
    with path.open("a") as file:
        file.write("two\nthree\nfo")
    assert rotate(path, max_bytes=1)
    with path.open("a") as file:
        file.write("ur\n")
    assert [line.text for line in follower.fresh(0.0)] == ["two", "three", "four"]
    with path.open("a") as file:
        file.write("five\n")
    assert [line.text for line in follower.fresh(0.0)] == ["five"]


def test_nothing_was_cut_away_from_a_log_that_was_never_rotated(tmp_path):
    assert cut_away(tmp_path / "a.0.log", 5) == b""


def written(folder, name, at):
    path = folder / name
    path.write_text(f"said by {name}\n")
    os.utime(path, (at, at))
    return path


def test_of_retired_versions_the_newest_logs_stay(tmp_path):
    for number in range(2, 8):
        written(tmp_path, f"axon.r{number}.0.log", at=100 + number)
        written(tmp_path, f"axon.r{number}.1.log.2", at=number)
    others = [
        "axon.0.log",
        "axon.access.log",
        "axon.envoy.log",
        "axon-2.r1.0.log",
        "orbit.r1.0.log",
    ]
    for name in others:
        written(tmp_path, name, at=1)
    assert prune(tmp_path, "axon", present={"r2", "r7"}, kept=2) == ("r4", "r3")
    kept = {path.name for path in tmp_path.iterdir()} - set(others)
    assert kept == {f"axon.r{n}.{rest}" for n in (2, 5, 6, 7) for rest in ("0.log", "1.log.2")}
    assert all((tmp_path / name).exists() for name in others)
    assert prune(tmp_path, "axon", present={"r2", "r7"}, kept=2) == ()


def test_logs_of_retired_versions_that_stay_are_still_found(tmp_path):
    state = StateDir(tmp_path)
    state.logs.mkdir(parents=True)
    for number in (1, 2, 3):
        written(state.logs, f"axon.r{number}.0.log", at=100 + number)
    prune(state.logs, "axon", present={"r3"}, kept=1)
    found = [(line.source.label, line.text) for line in Logs(state, access=False).history()]
    said = [(f"axon.r{n}.0", f"said by axon.r{n}.0.log") for n in (2, 3)]
    assert found == said

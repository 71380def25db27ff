"""A watched file: new content is noticed, and what cannot be read now is read later."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fairway_runtime.watched import WatchedFile


class Flaky(type(Path())):  # type: ignore[misc]
    """A path whose file cannot be opened while `failures` are left."""

    failures = 0

    def read_bytes(self) -> bytes:
        if Flaky.failures:
            Flaky.failures -= 1
            raise OSError(24, "Too many open files")
        return bytes(super().read_bytes())


def number(content: bytes) -> int:
    return int(content)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Flaky.failures = 0
    path = Flaky(tmp_path / "keys")
    path.write_text("1")
    return path


def watched(path: Path) -> WatchedFile[int]:
    return WatchedFile(path, number, interval=0)


def test_what_cannot_be_opened_now_is_read_at_the_next_look(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = watched(path)
    path.write_text("22")
    Flaky.failures = 3
    with caplog.at_level(logging.ERROR):
        assert [file.current() for _ in range(5)] == [1, 1, 1, 22, 22]
    assert len(caplog.records) == 1, "said once, not at every look"


def test_what_cannot_be_understood_is_said_once_and_the_good_content_kept(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = watched(path)
    path.write_text("not a number")
    with caplog.at_level(logging.ERROR):
        assert [file.current() for _ in range(3)] == [1, 1, 1]
        path.write_text("no number either")
        assert file.current() == 1
    assert len(caplog.records) == 2
    assert "number" not in caplog.text, "the text of an error may quote a secret"
    path.write_text("3")
    assert file.current() == 3

"""What is said of two snapshots of a source: text line by line, the rest by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.errors import NotFound
from fairway.targets.local.artifacts import ArtifactStore
from fairway.targets.local.source_diff import LARGEST_SHOWN, Side, source_diff


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def kept(store: ArtifactStore, folder: Path, **files: bytes) -> str:
    """A snapshot of these files; `_py` in a name stands for `.py`."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name.replace("_py", ".py")).write_bytes(content)
    return store.put(folder)


def lines(store: ArtifactStore, before: str | None, after: str | None) -> list[str]:
    return list(source_diff(store, Side("r7/orbit", before), Side("r8/orbit", after)))


def test_changed_lines_are_shown_in_their_files(store: ArtifactStore, tmp_path: Path) -> None:
    old = kept(store, tmp_path / "old", main_py=b"a\nb\nc\n", same_py=b"x\n", gone_py=b"bye\n")
    new = kept(store, tmp_path / "new", main_py=b"a\nB\nc\n", same_py=b"x\n", here_py=b"hi")
    assert "\n".join(lines(store, old, new)).split("\n") == [
        "--- r7/orbit/gone.py", "+++ /dev/null", "@@ -1 +0,0 @@", "-bye",
        "--- /dev/null", "+++ r8/orbit/here.py", "@@ -0,0 +1 @@", "+hi",
        "\\ No newline at end of file",
        "--- r7/orbit/main.py", "+++ r8/orbit/main.py", "@@ -1,3 +1,3 @@", " a", "-b", "+B", " c",
    ]  # fmt: skip
    assert lines(store, old, old) == []
    assert lines(store, None, None) == []


def test_what_is_no_text_or_too_much_is_only_named(store: ArtifactStore, tmp_path: Path) -> None:
    large = b"x" * (LARGEST_SHOWN + 1)
    old = kept(store, tmp_path / "old", picture=b"\0\1", large=b"", latin=b"a")
    new = kept(store, tmp_path / "new", picture=b"\0\2", large=large, latin=b"\xe9")
    assert lines(store, old, new) == [
        f"Binary files r7/orbit/{name} and r8/orbit/{name} differ"
        for name in ("large", "latin", "picture")
    ]


def test_links_and_permissions_differ_too(store: ArtifactStore, tmp_path: Path) -> None:
    old = kept(store, tmp_path / "old", serve=b"#!/bin/sh\n", a=b"1\n", b=b"2\n")
    (tmp_path / "old" / "link").symlink_to("a")
    old = store.put(tmp_path / "old")
    (tmp_path / "old" / "serve").chmod(0o755)
    (tmp_path / "old" / "link").unlink()
    (tmp_path / "old" / "link").symlink_to("b")
    found = lines(store, old, store.put(tmp_path / "old"))
    assert "-link to a" in found
    assert "+link to b" in found
    assert "r8/orbit/serve is a program and was a file" in found


def test_a_service_that_is_new_is_all_there(store: ArtifactStore, tmp_path: Path) -> None:
    new = kept(store, tmp_path / "new", main_py=b"a\n")
    assert lines(store, None, new)[-1] == "+a"


def test_a_snapshot_that_is_not_kept_here_is_said(store: ArtifactStore, tmp_path: Path) -> None:
    new = kept(store, tmp_path / "new", main_py=b"a\n")
    with pytest.raises(NotFound, match="no snapshot"):
        lines(store, "sha256:" + "0" * 64, new)

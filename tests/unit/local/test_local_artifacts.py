"""Snapshots of sources: what counts, what it is called, and what an archive may not do."""

import gzip
import io
import os
import tarfile
import time

import pytest

from fairway.errors import InvalidInput, NotFound, Unavailable
from fairway.targets.local import stat_cache
from fairway.targets.local.artifacts import ArtifactStore
from fairway.targets.local.source_tree import digest_of, leads_out, tree


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "main.py").write_text("print(1)")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("pkg/main.py")
    return folder


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "artifacts")


def test_a_snapshot_is_the_source_as_it_was(store, source):
    digest = store.put(source)
    (source / "pkg" / "main.py").write_text("print(2)")
    kept = store.path(digest)
    assert (kept / "pkg" / "main.py").read_text() == "print(1)"
    assert (kept / "latest").read_text() == "print(1)"
    assert os.access(kept / "run.sh", os.X_OK)
    assert (kept / "run.sh").stat().st_mode & 0o222 == 0
    assert store.put(source) != digest


@pytest.mark.parametrize(
    "change",
    [
        lambda source: (source / "pkg" / "main.py").write_text("print(3)"),
        lambda source: (source / "pkg" / "main.py").rename(source / "pkg" / "other.py"),
        lambda source: (source / "run.sh").chmod(0o644),
        lambda source: ((source / "latest").unlink(), (source / "latest").symlink_to("run.sh")),
        lambda source: (source / "empty").mkdir(),
    ],
    ids=["bytes", "name", "mode", "link", "folder"],
)
def test_every_difference_that_matters_is_another_digest(store, source, change):
    before = store.put(source)
    change(source)
    assert store.put(source) != before


@pytest.mark.parametrize(
    "path",
    [".git/HEAD", "pkg/__pycache__/main.pyc", ".venv/bin/python", "node_modules/x/index.js",
     ".fairway/local/ledger.json", ".fairway.backup-v1-now/x", "pkg/data.parquet", "cache/x"],
)  # fmt: skip
def test_what_is_no_source_changes_nothing(store, source, path):
    (source / ".fairwayignore").write_text("# big\n*.parquet\ncache/\n")
    before = store.put(source)
    (source / path).parent.mkdir(parents=True, exist_ok=True)
    (source / path).write_text("anything")
    assert store.put(source) == before


def test_a_pattern_may_name_a_path(source):
    (source / ".fairwayignore").write_text("pkg/*.py\n")
    assert "pkg/main.py" not in {entry.path for entry in tree(source)}
    (source / ".fairwayignore").write_text("!main.py\n")
    with pytest.raises(InvalidInput, match="begins with"):
        tree(source)


def test_an_unchanged_file_is_not_read_again(store, source, monkeypatch):
    old = time.time() - 60
    for path in (source / "pkg" / "main.py", source / "run.sh"):
        os.utime(path, (old, old))
    monkeypatch.setattr(stat_cache, "_TOO_YOUNG", -(10**12))  # ctime cannot be set back
    digest = store.put(source)
    monkeypatch.setattr(stat_cache, "hash_of", lambda path, _: pytest.fail(f"read {path}"))
    assert store.put(source) == digest


def test_a_file_changed_just_now_is_read_again(store, source):
    before = store.put(source)
    stamp = (source / "run.sh").stat()
    (source / "run.sh").write_text("#!/bin/zz\n")
    os.utime(source / "run.sh", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert store.put(source) != before


def test_a_link_out_of_the_folder_is_refused_with_its_name(store, source):
    (source / "pkg" / "out").symlink_to("../../elsewhere")
    with pytest.raises(InvalidInput, match="elsewhere") as caught:
        store.put(source)
    assert caught.value.where.endswith("pkg/out")


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [("a", "b", False), ("a/b", "../c", False), ("a", "../c", True), ("a/b", "../../c", True),
     ("a", "/etc/passwd", True), ("a/b", "c/../../../d", True)],
)  # fmt: skip
def test_links_that_lead_out(path, target, out):
    assert leads_out(path, target) is out


def test_too_much_is_refused_with_the_largest_part(tmp_path, source):
    (source / "model.bin").write_bytes(b"x" * 5000)
    with pytest.raises(InvalidInput, match=r"model\.bin") as caught:
        ArtifactStore(tmp_path / "small", largest=4000).put(source)
    assert ".fairwayignore" in caught.value.remedy


def test_a_folder_that_is_not_there_and_a_snapshot_that_is_not_there(store, tmp_path):
    with pytest.raises(InvalidInput, match="does not exist"):
        store.put(tmp_path / "nowhere")
    with pytest.raises(NotFound):
        store.path("sha256:" + "0" * 64)
    with pytest.raises(InvalidInput, match="not the digest"):
        store.path("../../etc")


def test_a_folder_that_never_holds_still_is_not_kept(store, source, monkeypatch):
    busy = source / "pkg" / "main.py"
    count = iter(range(1000))

    def hash_while_written(_path, _found):
        busy.write_text(f"print({next(count)})")
        return f"{next(count):064}"

    monkeypatch.setattr(stat_cache, "hash_of", hash_while_written)
    with pytest.raises(Unavailable, match="written to"):
        store.put(source)
    assert not list((source.parent / "artifacts").glob(".new-*"))


def test_a_packed_snapshot_is_the_same_elsewhere(store, source, tmp_path):
    digest = store.put(source)
    there = ArtifactStore(tmp_path / "there")
    there.receive(io.BytesIO(store.pack(digest)), digest)
    assert digest_of(tree(there.path(digest))) == digest
    assert there.pack(digest) == store.pack(digest)
    there.receive(io.BytesIO(b"it has it already"), digest)


def archive(*members):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        for member, content in members:
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def member(name, kind=tarfile.REGTYPE, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize(
    "members",
    [
        [(member("../evil"), b"x")],
        [(member("/tmp/evil"), b"x")],
        [(member("a/../../evil"), b"x")],
        [(member("out", tarfile.SYMTYPE, "../.."), b"")],
        [(member("out", tarfile.SYMTYPE, "/tmp"), b""), (member("out/evil"), b"x")],
        [(member("hard", tarfile.LNKTYPE, "../../secret"), b"")],
        [(member("pipe", tarfile.FIFOTYPE), b"")],
        [(member("twice"), b"1"), (member("twice"), b"2")],
        [(member("other"), b"not what the digest says")],
        [(member("bomb"), b"0" * 9000)],
    ],
    ids=["dots", "absolute", "inner-dots", "link", "through-link", "hard-link", "pipe", "twice",
         "content", "bomb"],
)  # fmt: skip
def test_an_archive_that_is_not_the_snapshot_is_refused(tmp_path, members):
    store = ArtifactStore(tmp_path / "artifacts", largest=8000)
    digest = "sha256:" + "a" * 64
    with pytest.raises(InvalidInput, match="not the snapshot"):
        store.receive(io.BytesIO(archive(*members)), digest)
    assert not store.has(digest)
    assert [path.name for path in (tmp_path / "artifacts").iterdir()] == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "stream",
    [b"", b"no archive", gzip.compress(b"no tar"), b"\x1f\x8b\x08cut"],
    ids=["nothing", "text", "no-tar", "cut"],
)
def test_a_broken_archive_is_refused(store, stream):
    with pytest.raises(InvalidInput, match="not the snapshot"):
        store.receive(io.BytesIO(stream), "sha256:" + "b" * 64)


def test_only_what_is_referenced_is_kept(store, source):
    old = store.put(source)
    (source / "run.sh").write_text("#!/bin/bash\n")
    new = store.put(source)
    assert store.collect([new]) == (old,)
    assert (store.has(old), store.has(new)) == (False, True)
    assert store.collect([new]) == ()


def test_what_was_changed_in_a_snapshot_is_named_and_what_was_added_is_not(store, source):
    digest = store.put(source)
    (store.path(digest) / "cache.db").write_text("the program's own")
    assert store.damage(digest) == ""
    (store.path(digest) / "pkg" / "main.py").unlink()
    assert store.damage(digest) == "pkg/main.py"

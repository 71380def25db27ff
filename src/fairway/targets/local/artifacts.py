"""Snapshots of services' sources, by digest: what a release runs from when files move on.

`plan` and `deploy` put them, the local target starts versions from them, a client sends them to a
shared server with `pack` and `receive`. Guarantees:

- a snapshot is there whole or not at all, and is what its digest says: it is written beside its
  place, compared, then renamed;
- an archive from elsewhere can write nothing outside of its own folder;
- an unchanged folder is recognised by times and sizes, without reading its files again.

Files of a snapshot are read-only; its folders are not, since programs cache what they compile.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import math
import os
import shutil
import tarfile
import tempfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from fairway.errors import InvalidInput, NotFound, Unavailable
from fairway.targets.local.layout import private_dir, write_private
from fairway.targets.local.source_tree import (
    IGNORE_FILE,
    Entry,
    digest_of,
    leads_out,
    tree,
)
from fairway.targets.local.stat_cache import StatCache

LARGEST = 500 * 2**20
"""The size of a source, in bytes, above which it is surely not only source."""
_ATTEMPTS = 3
"""How often a folder is read again that changes while it is read."""
_CHUNK = 2**20
_TEMPORARY = ".new-"
_MANIFEST = ".json"
"""Beside each snapshot: what is in it, so that what its program adds can be told from it."""


class ArtifactStore:
    """The snapshots in one folder. Several processes may use it at once."""

    def __init__(self, folder: Path, largest: int = LARGEST) -> None:
        self._folder = folder
        self._largest = largest

    def put(self, source: Path) -> str:
        """Keep a snapshot of a folder and return its digest; one that is kept already is not
        written again.

        InvalidInput for what is no source (too large, unreadable, links that lead out),
        Unavailable when it does not hold still.
        """
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileNotFoundError, _ChangedMeanwhile):
                return self._put_once(source)
        raise Unavailable(
            "source-changes",
            "this folder is being written to: no snapshot of it is consistent",
            where=str(source),
            remedy="try again when nothing writes there, or leave out generated files by a "
            f"{IGNORE_FILE}",
        )

    def has(self, digest: str) -> bool:
        """Whether there is such a snapshot; to ask for one is to use it, see `collect`."""
        try:
            os.utime(self._place(digest))
        except FileNotFoundError:
            return False
        return True

    def path(self, digest: str) -> Path:
        """The folder of a snapshot; NotFound when there is none."""
        place = self._place(digest)
        if not place.is_dir():
            raise NotFound(
                "artifact-missing",
                f"there is no snapshot {digest}",
                where=str(self._folder),
                remedy="deploy from the folder with the source, which makes it again",
            )
        return place

    def entries(self, digest: str) -> tuple[Entry, ...]:
        """What is in a snapshot; NotFound when there is none."""
        self.path(digest)
        return _read_manifest(self._manifest(digest))

    def damage(self, digest: str) -> str:
        """What a snapshot lacks or has changed, in words; empty when it is what it should be.

        Files that its program added are no damage.
        """
        kept = {entry.path: entry for entry in _read_manifest(self._manifest(digest))}
        now = {entry.path: entry for entry in tree(self.path(digest))}
        differing = sorted(path for path, entry in kept.items() if now.get(path) != entry)
        return ", ".join(differing[:3]) + (", …" if len(differing) > 3 else "")

    def pack(self, digest: str) -> bytes:
        """A snapshot as a tar.gz archive; equal for equal snapshots."""
        root = self.path(digest)
        packed = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for entry in _read_manifest(self._manifest(digest)):
                _add(archive, root, entry)
        return packed.getvalue()

    def receive(self, stream: IO[bytes], digest: str) -> None:
        """Keep a snapshot from an archive; InvalidInput when it is not exactly that snapshot."""
        if self.has(digest):
            return
        with self._new() as fresh:
            try:
                with tarfile.open(fileobj=stream, mode="r|gz") as archive:
                    self._unpack(archive, fresh)
            except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
                raise _bad_archive(f"it cannot be unpacked: {error}") from error
            entries = tree(fresh)
            if digest_of(entries) != digest:
                raise _bad_archive(f"its content is not {digest}")
            self._keep(fresh, digest, entries)

    def collect(self, keep: Collection[str], unused_since: float = math.inf) -> tuple[str, ...]:
        """Remove every snapshot but these; returns the digests of those that are gone.

        One that was made or asked for after `unused_since` (Unix seconds) stays: someone may be
        about to deploy it.
        """
        kept = {self._place(digest) for digest in keep}
        gone = [
            place
            for place in self._places()
            if place not in kept and _used_at(place) < unused_since
        ]
        for place in gone:
            place.with_suffix(_MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(place, ignore_errors=True)
        return tuple(sorted(f"sha256:{place.name}" for place in gone))

    def _places(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from (p for p in self._folder.iterdir() if p.is_dir() and p.name[0] != ".")

    def _place(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise InvalidInput(
                "not-a-digest",
                f"{digest!r} is not the digest of a snapshot",
                remedy="sha256: and 64 hex digits",
            )
        return self._folder / name

    def _manifest(self, digest: str) -> Path:
        return self._place(digest).with_suffix(_MANIFEST)

    def _put_once(self, source: Path) -> str:
        private_dir(self._folder)
        cache = StatCache(self._folder / ".seen" / _key(source))
        entries = tree(source, cache.hash_of)
        self._check_size(source, entries)
        digest = digest_of(entries)
        if not self.has(digest):
            with self._new() as fresh:
                for entry in entries:
                    _copy(source, fresh, entry)
                self._keep(fresh, digest, entries)
        cache.save()
        return digest

    def _check_size(self, source: Path, entries: tuple[Entry, ...]) -> None:
        by_top: Counter[str] = Counter()
        for entry in entries:
            by_top[entry.path.partition("/")[0]] += entry.size
        if by_top.total() > self._largest:
            name, size = by_top.most_common(1)[0]
            raise InvalidInput(
                "source-too-large",
                f"{by_top.total() / 2**20:.0f} MB are too much for the source of a service (at "
                f"most {self._largest / 2**20:.0f}); the largest part is {name} with "
                f"{size / 2**20:.0f} MB",
                where=str(source),
                remedy=f"name what is not source in {source / IGNORE_FILE}, or move it out",
            )

    @contextmanager
    def _new(self) -> Iterator[Path]:
        """A folder beside the snapshots, gone at the end unless it has become one."""
        private_dir(self._folder)
        fresh = Path(tempfile.mkdtemp(dir=self._folder, prefix=_TEMPORARY))
        try:
            yield fresh
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _keep(self, fresh: Path, digest: str, entries: tuple[Entry, ...]) -> None:
        _write_manifest(self._manifest(digest), entries)
        try:
            fresh.rename(self._place(digest))
        except OSError:
            if not self.has(digest):  # else someone was faster, and theirs is the same
                raise

    def _unpack(self, archive: tarfile.TarFile, fresh: Path) -> None:
        total = 0
        for member in archive:
            total += member.size
            if total > self._largest:
                raise _bad_archive(f"it unpacks to more than {self._largest / 2**20:.0f} MB")
            _check_member(member)
            _extract(archive, member, fresh)


class _ChangedMeanwhile(Exception):
    """A file is not what it was a moment ago."""


def _copy(source: Path, fresh: Path, entry: Entry) -> None:
    goal = fresh / entry.path
    match entry.kind:
        case "folder":
            goal.mkdir()
        case "link":
            goal.symlink_to(entry.content)
        case "file" | "program":
            with (source / entry.path).open("rb") as file:
                written = _write(file, goal)
            if written != entry.content:
                raise _ChangedMeanwhile
            goal.chmod(_mode(entry))


def _write(file: IO[bytes], goal: Path) -> str:
    """Copy a stream into a new file; returns the SHA-256 of what was copied."""
    hashed = hashlib.sha256()
    with goal.open("xb") as copy:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
            copy.write(chunk)
    return hashed.hexdigest()


def _mode(entry: Entry) -> int:
    return 0o500 if entry.kind == "program" else 0o400


def _add(archive: tarfile.TarFile, root: Path, entry: Entry) -> None:
    member = tarfile.TarInfo(entry.path)
    match entry.kind:
        case "folder":
            member.type, member.mode = tarfile.DIRTYPE, 0o700
            archive.addfile(member)
        case "link":
            member.type, member.linkname = tarfile.SYMTYPE, entry.content
            archive.addfile(member)
        case "file" | "program":
            member.size, member.mode = entry.size, _mode(entry)
            with (root / entry.path).open("rb") as file:
                archive.addfile(member, file)


def _check_member(member: tarfile.TarInfo) -> None:
    """Nothing in an archive may name a place outside of it."""
    parts = member.name.split("/")
    if not member.name or member.name.startswith("/") or ".." in parts:
        raise _bad_archive(f"it names a place outside of its folder: {member.name}")
    if member.issym() and leads_out(member.name, member.linkname):
        raise _bad_archive(f"its link {member.name} leads out, to {member.linkname}")
    if not (member.isdir() or member.isreg() or member.issym()):
        raise _bad_archive(f"{member.name} is no file, folder or link")


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, fresh: Path) -> None:
    goal = fresh / member.name
    if not goal.parent.resolve().is_relative_to(fresh.resolve()):  # through a link
        raise _bad_archive(f"it names a place outside of its folder: {member.name}")
    if member.isdir():
        goal.mkdir()
    elif member.issym():
        goal.symlink_to(member.linkname)
    elif (content := archive.extractfile(member)) is not None:
        _write(content, goal)
        goal.chmod(0o500 if member.mode & 0o100 else 0o400)


def _bad_archive(why: str) -> InvalidInput:
    return InvalidInput(
        "archive-refused",
        f"this archive is not the snapshot that it is said to be: {why}",
        remedy="send it again from the folder with the source",
    )


def _write_manifest(path: Path, entries: tuple[Entry, ...]) -> None:
    write_private(path, json.dumps([asdict(entry) for entry in entries]).encode())


def _read_manifest(path: Path) -> tuple[Entry, ...]:
    return tuple(Entry(**entry) for entry in json.loads(path.read_bytes()))


def _used_at(place: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        return place.stat().st_mtime
    return math.inf


def _key(source: Path) -> str:
    return hashlib.sha256(os.fsencode(source.resolve())).hexdigest()[:16]

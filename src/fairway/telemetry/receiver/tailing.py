"""Following one log file that is cut now and then: every line once, none lost between.

Programs hold their log open, so whoever bounds it copies it to `x.log.1` (the one before becomes
`x.log.2`, and so on) and cuts it to nothing. A reader therefore remembers how a file begins: when
it begins otherwise, or is shorter than what was read, the rest is in an older part. `log_folder.py`
keeps one `Tail` per file, and their marks on disk, so that the next receiver goes on there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_HEAD: Final = 256
"""So many first bytes tell one file from another: lines begin with the time."""
_BLOCK: Final = 2**20
_OLDEST: Final = 99
"""So many older parts are looked for; writers keep far fewer."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file was read: up to `offset`; its first `length` bytes have that digest.

    While that is nothing, only `before` tells whether it is still the same file: the digest of how
    `x.log.1` begins. A mark without both is that of a file nobody has read.
    """

    offset: int = 0
    length: int = 0
    digest: str = ""
    before: str = ""


class Tail:
    """One file. `mark` moves on when what `blocks` gave was taken.

    Older parts last written before `since` (Unix seconds) are never read.
    """

    def __init__(self, path: Path, mark: Mark | None = None, since: float = 0.0) -> None:
        self._path = path
        self._since = since
        self._rest = b""
        self.mark = mark or Mark()

    def blocks(self, most: int = 4 * _BLOCK) -> Iterator[bytes]:
        """What was added, in blocks of whole lines; about `most` bytes of the present file.

        A line of more than a block comes in pieces. A half-written one waits for the next time.
        """
        try:
            with self._path.open("rb") as file:
                if self._is_another(file):
                    yield from self._older()
                    self.mark = Mark()
                yield from self._present(file, most)
        except FileNotFoundError:
            return

    def _is_another(self, file: BinaryIO) -> bool:
        if self.mark.offset:
            return not _begins(file, self.mark)
        return self._before() != self.mark.before

    def _older(self) -> Iterator[bytes]:
        """The rest of the part that was being read, and the parts after it.

        Half a line at the end of one goes on in the next, and at last in the file itself.
        """
        for file, offset in self._parts():
            with file:
                file.seek(offset)
                while chunk := file.read(_BLOCK):
                    whole, self._rest = _cut(self._rest + chunk)
                    if whole:
                        yield whole

    def _parts(self) -> list[tuple[BinaryIO, int]]:
        """The older parts to be read, opened (they may be renamed any time), the oldest first.

        When what was read last is not among them, all of them came after it.
        """
        opened: list[tuple[BinaryIO, int]] = []
        for number in range(1, _OLDEST + 1):
            part = self._part(number)
            if part is None:
                break
            if self.mark.offset and _begins(part, self.mark):
                opened.append((part, self.mark.offset))
                break
            if not self.mark.offset and _beginning(part) == self.mark.before:
                part.close()
                break
            opened.append((part, 0))
        return opened[::-1]

    def _part(self, number: int) -> BinaryIO | None:
        """An older part, opened; None when there is none that matters."""
        path = self._path.with_name(f"{self._path.name}.{number}")
        try:
            return path.open("rb") if path.stat().st_mtime >= self._since else None
        except FileNotFoundError:
            return None

    def _before(self) -> str:
        """How the youngest older part begins; empty when there is none."""
        part = self._part(1)
        if part is None:
            return ""
        with part:
            return _beginning(part)

    def _present(self, file: BinaryIO, most: int) -> Iterator[bytes]:
        """The file itself from the mark on."""
        file.seek(self.mark.offset)
        offset, read = self.mark.offset, 0
        while read < most and (chunk := file.read(_BLOCK)):
            read += len(chunk)
            whole, _ = _cut(chunk)
            if not whole and len(chunk) == _BLOCK:
                whole = chunk
            offset += len(whole)
            if whole:
                rest, self._rest = self._rest, b""
                yield rest + whole
            if len(chunk) < _BLOCK:
                break
            file.seek(offset)
        self.mark = _mark(file, offset) if offset else Mark(before=self._before())


def _cut(content: bytes) -> tuple[bytes, bytes]:
    """Whole lines, and what is behind them."""
    end = content.rfind(b"\n") + 1
    return content[:end], content[end:]


def _begins(file: BinaryIO, mark: Mark) -> bool:
    """Whether it is the file that a mark was made in: long enough, with the same beginning."""
    file.seek(0, 2)
    if file.tell() < mark.offset:
        return False
    file.seek(0)
    return _digest(file.read(mark.length)) == mark.digest if mark.length else True


def _mark(file: BinaryIO, offset: int) -> Mark:
    file.seek(0)
    head = file.read(min(_HEAD, offset))
    return Mark(offset, len(head), _digest(head))


def _beginning(file: BinaryIO) -> str:
    file.seek(0)
    return _digest(file.read(_HEAD))


def _digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=8).hexdigest() if head else ""

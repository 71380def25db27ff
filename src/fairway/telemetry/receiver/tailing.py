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
_OLDEST: Final = 9
"""How many older parts are looked for."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file was read: up to `offset`; its first `length` bytes have that digest."""

    offset: int = 0
    length: int = 0
    digest: str = ""


class Tail:
    """One file. `mark` moves on when what `blocks` gave was taken."""

    def __init__(self, path: Path, mark: Mark | None = None) -> None:
        self._path = path
        self._rest = b""
        self.mark = mark or Mark()

    def blocks(self, most: int = 4 * _BLOCK) -> Iterator[bytes]:
        """What was added, in blocks of whole lines; about `most` bytes of the present file.

        A line of more than a block comes in pieces. A half-written one waits for the next time.
        """
        try:
            if self._path.stat().st_size == self.mark.offset:
                return
            with self._path.open("rb") as file:
                if not _begins(file, self.mark):
                    yield from self._older()
                    self.mark = Mark()
                yield from self._present(file, most)
        except FileNotFoundError:
            return

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
        """The older parts to be read, opened (they may be renamed any time), the oldest first."""
        opened: list[tuple[BinaryIO, int]] = []
        for number in range(1, _OLDEST + 1):
            try:
                file: BinaryIO = self._path.with_name(f"{self._path.name}.{number}").open("rb")
            except FileNotFoundError:
                break
            found = _begins(file, self.mark)
            opened.append((file, self.mark.offset if found else 0))
            if found:
                return opened[::-1]
        for file, _ in opened:  # the part is gone: nobody knows what of these was read
            file.close()
        return []

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
        self.mark = _mark(file, offset)


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


def _digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=8).hexdigest() if head else ""

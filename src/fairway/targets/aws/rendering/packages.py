"""The code of Lambda functions as zip files that are the same bytes wherever they are made.

Runs on its own too, without Fairway: `fairway eject` copies this file into the tree as `build.py`,
and `python packages/build.py` builds all packages anew. Only the standard library is used, and pip
for the wheels of others.

A package is a folder with the code, and perhaps a `requirements.txt`. What that names is installed
for the processor and the Python of Lambda, whatever machine this is. Without a network the package
has our own code only (`build(..., wheels=False)`): enough to plan, not to run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

REQUIREMENTS = "requirements.txt"
WHEELS_FOR = ("--platform", "manylinux2014_aarch64", "--python-version", "3.13")
"""The functions' `runtime` and `architectures` in the modules say the same."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_LEFT_OUT = frozenset({"__pycache__", "tests", "bin"})


def build(code: Mapping[str, bytes], *, wheels: bool) -> bytes:
    """The zip of a package's files, with what its requirements name if `wheels`.

    Raises subprocess.CalledProcessError when pip cannot get them; its stderr says why.
    """
    files = dict(code)
    if wheels and REQUIREMENTS in files:
        with tempfile.TemporaryDirectory() as folder:
            listed = Path(folder, REQUIREMENTS)
            listed.write_bytes(files[REQUIREMENTS])
            _install(listed, Path(folder, "packages"))
            files = {**read(Path(folder, "packages")), **files}
    return zipped(files)


def read(folder: Path) -> dict[str, bytes]:
    """The files of a package by path, without tests and caches."""
    return dict(_files(folder))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files by path: in order of their names, without times and owners."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(path, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _MODE
            entry.create_system = 3  # Unix, also where this is Windows
            archive.writestr(entry, content)
    return stream.getvalue()


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and _LEFT_OUT.isdisjoint(relative.parts):
            yield relative.as_posix(), path.read_bytes()


def _install(requirements: Path, into: Path) -> None:
    own = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
    what = ("--only-binary=:all:", *WHEELS_FOR, "--target", str(into), "-r", str(requirements))
    subprocess.run([sys.executable, *own, *what], check=True, capture_output=True, text=True)


def main() -> None:
    """Build every folder beside this file into `<folder>.zip`, wheels and all."""
    here = Path(__file__).resolve().parent
    for source in sorted(path for path in here.iterdir() if path.is_dir()):
        target = here / f"{source.name}.zip"
        target.write_bytes(build(read(source), wheels=True))
        sys.stdout.write(f"{target.name}: {target.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()

"""The first app file of a project, with comments that explain what to write next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from fairway.model.importing.draft import name_from


@dataclass(frozen=True, slots=True)
class FoundService:
    """A program that was found in the project: its name, folder and, if known, its command.

    `static`: no program but a folder of files, which Fairway itself serves.
    """

    name: str
    folder: str | None = None
    run: str | None = None
    static: bool = False


EXAMPLE_FOLDER = "site"
EXAMPLE_RUN = f"python3 -m http.server $PORT --bind 127.0.0.1 --directory {EXAMPLE_FOLDER}"
"""Stands in for a first service. Never the app's own folder: the state with its keys lies there."""
_EXAMPLE = FoundService("web", None, EXAMPLE_RUN)

_HEAD = """\
# The app file: what runs, who may call whom, where it is deployed to.
# Check it with 'fairway validate', start it with 'fairway up'. Every key: docs/app-file.md
app: {app}

services:
"""

_TAIL = """\
# What callers may ask of a service, and who may ask; nothing else gets through:
#
#   stock:
#     run: uvicorn stock.main:app --port $PORT
#     health: /health
#     intents: {reserve: POST /reserve}
#   web:
#     calls: {stock: [reserve]}

environments:
  local: {target: local}
"""


def starter_app_file(name: str, services: Sequence[FoundService] = ()) -> str:
    """An app file for `services` as found; for none, with one that serves `EXAMPLE_FOLDER`."""
    taken: set[str] = set()
    parts = [_HEAD.replace("{app}", name_from(name, set()))]
    for index, found in enumerate(services or (_EXAMPLE,)):
        service = name_from(found.name, taken)
        taken.add(service)
        parts.append(_service(service, found, public=index == 0))
    return "".join((*parts, _TAIL))


def _service(name: str, found: FoundService, *, public: bool) -> str:
    lines = [f"  {name}:\n"]
    if found.static:
        lines.append("    kind: static  # files, served by Fairway itself; never a dotfile\n")
        lines.append(f"    root: {_scalar(found.folder or '.')}\n")
        if public:
            lines.append("    public: /  # the gateway opens this path to everyone\n")
        return "".join((*lines, "\n"))
    if found.folder:
        lines.append(f"    build: {_scalar(found.folder)}\n")
    if found.run:
        lines.append(f"    run: {_scalar(found.run)}  # it must listen on $PORT\n")
    elif found.folder:
        lines.append("    # run: how it starts without a container; it must listen on $PORT\n")
    else:
        lines.append('    run: "false"  # replace by how it starts; it must listen on $PORT\n')
    lines.append("    health: /  # a path that answers 2xx while it works\n")
    if public:
        lines.append("    public: /  # the gateway opens this path to everyone\n")
    return "".join((*lines, "\n"))


def _scalar(text: str) -> str:
    """`text` as a YAML value on one line, in quotes only where it needs them."""
    dumped = yaml.safe_dump(text, width=10**6, allow_unicode=True, default_style=None)
    first = dumped.removesuffix("...\n").rstrip("\n")
    if "\n" in first:
        first = yaml.safe_dump(text, width=10**6, default_style='"').rstrip("\n")
    return first

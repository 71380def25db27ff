"""Trees laid over one another: `extends` bases below a file, overrides above the services.

Called by `load`. Mappings merge key by key; lists and single values replace. A short form meets
a long form by being written out first, so that `health: {interval: 5s}` over `health: /health`
keeps the path. Every key and value keeps the place in the file that it came from.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fairway.model.document import Entry, Items, Keys, Node, Text
from fairway.model.names import shown
from fairway.model.places import Findings, Path, Place
from fairway.model.services import METHODS
from fairway.model.settle import settle, typed
from fairway.model.syntax import read_tree

_MOST_BASES = 50


def merge(base: Node, over: Node, path: Path = ()) -> Node:
    """`over` laid over `base`; both stand at `path` in the app file."""
    if isinstance(over, Keys) != isinstance(base, Keys):
        base, over = _written_out(base, path), _written_out(over, path)
    if not (isinstance(base, Keys) and isinstance(over, Keys)):
        return over
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        below = entries.get(key)
        node = merge(below.node, entry.node, (*path, key)) if below else entry.node
        # What both have keeps the place of the key where it is declared first in full.
        merged_in = below is not None and isinstance(below.node, Keys)
        key_place = below.key_place if below and merged_in else entry.key_place
        entries[key] = Entry(node, key_place)
    return Keys(entries, base.place, 1 + sum(e.node.size for e in entries.values()))


def with_overrides(tree: Keys, environment: str) -> Keys | None:
    """The app's tree as `environment` sees it; None where it overrides nothing."""
    overrides = _at(tree, "environments", environment, "overrides")
    services = _at(tree, "services")
    if not (isinstance(overrides, Keys) and isinstance(services, Keys) and overrides.entries):
        return None
    # Only what is declared can be overridden; the rest is reported where it stands.
    declared = {
        name: entry
        for name, entry in overrides.entries.items()
        if name in services.entries and isinstance(entry.node, Keys)
    }
    changed = merge(services, Keys(declared, overrides.place, overrides.size), ("services",))
    entries = {**tree.entries, "services": Entry(changed, tree.entries["services"].key_place)}
    return Keys(entries, tree.place, tree.size + overrides.size)


def _at(tree: Node, *path: str) -> Node | None:
    node: Node | None = tree
    for key in path:
        entry = node.entries.get(key) if isinstance(node, Keys) else None
        node = entry.node if entry else None
    return node


def _written_out(node: Node, path: Path) -> Node:
    """The long form of a short form that stands at `services.<name>.<key>…`."""
    match path[2:]:
        case ("health",) if isinstance(node, Text) and not (
            node.plain and typed(node.text) is None
        ):
            return _keys(node, path=node)
        case ("calls", _) if isinstance(node, Items):
            return _keys(node, intents=node)
        case ("intents", _) if isinstance(node, Text):
            method, _, url_path = node.text.partition(" ")
            if method in METHODS:
                return _keys(
                    node,
                    method=Text(method, False, node.place),
                    path=Text(url_path.strip(), False, node.place),
                )
    return node


def _keys(short: Node, **entries: Node) -> Keys:
    long = {key: Entry(node, short.place) for key, node in entries.items()}
    return Keys(long, short.place, 1 + sum(node.size for node in entries.values()))


@dataclass(slots=True)
class Bases:
    """Reads an app file and, below it, everything that it extends.

    `read` gives the text of a path relative to the app file's folder and may raise OSError.
    """

    file: str
    read: Callable[[str], str]
    variables: Mapping[str, str]
    findings: Findings
    _seen: int = field(default=0)

    def tree(self, text: str) -> Keys | None:
        """The app file with its bases below it; None where not even a mapping could be read."""
        return self._read(self.file, text, ())

    def _read(self, file: str, text: str, chain: tuple[str, ...]) -> Keys | None:
        tree = read_tree(file, text, self.findings)
        if tree is None or "extends" not in tree.entries:
            return tree
        bases = [
            base
            for name, place in self._names(tree.entries["extends"].node)
            if (base := self._base(name, place, file, chain)) is not None
        ]
        entries = {key: entry for key, entry in tree.entries.items() if key != "extends"}
        top: Node = Keys(entries, tree.place, tree.size)
        below: Node | None = None
        for base in bases:
            below = base if below is None else merge(below, base)
        merged = top if below is None else merge(below, top)
        return Keys(merged.entries, tree.place, merged.size) if isinstance(merged, Keys) else None

    def _names(self, node: Node) -> list[tuple[str, Place]]:
        nodes = node.nodes if isinstance(node, Items) else (node,)
        names = [
            (settle(n, self.variables, self.findings, ("extends",)).data, n.place) for n in nodes
        ]
        for name, place in names:
            if not isinstance(name, str) or not name or name.startswith("/") or "\0" in name:
                self.findings.error(
                    place,
                    "extends",
                    f"extends: {shown(name)} is not a relative path",
                    "name a file, or a list of files, relative to this one: extends: base.yaml",
                )
        return [
            (n, p) for n, p in names if isinstance(n, str) and n and n[0] != "/" and "\0" not in n
        ]

    def _base(self, name: str, place: Place, file: str, chain: tuple[str, ...]) -> Keys | None:
        base_file = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
        way = (*chain, posixpath.normpath(file))
        if base_file in way:
            circle = " → ".join((*way[way.index(base_file) :], base_file))
            self.findings.error(
                place, "extends-cycle", f"extends goes in a circle: {circle}", "remove one of them"
            )
            return None
        self._seen += 1
        if self._seen > _MOST_BASES:
            self.findings.error(
                place, "extends", f"extends more than {_MOST_BASES} files", "extend fewer files"
            )
            return None
        text = self._text(base_file, place)
        return None if text is None else self._read(base_file, text, way)

    def _text(self, base_file: str, place: Place) -> str | None:
        folder = posixpath.dirname(self.file)
        try:
            return self.read(posixpath.relpath(base_file, folder) if folder else base_file)
        except (OSError, UnicodeDecodeError) as error:
            reason = "is not UTF-8 text" if isinstance(error, ValueError) else _reason(error)
            self.findings.error(
                place,
                "extends",
                f"extends: the file {shown(base_file, 80)} {reason}",
                "correct the path; it is relative to the file that extends",
            )
            return None


def _reason(error: OSError) -> str:
    return "does not exist" if isinstance(error, FileNotFoundError) else "cannot be read"

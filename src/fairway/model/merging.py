"""Trees laid over one another: `extends` bases below a file, overrides above the services.

Called by `load`. Mappings merge key by key; lists and single values replace. A short form meets
a long form by being written out first, so that `health: {interval: 5s}` over `health: /health`
keeps the path. Every key and value keeps the place in the file that it came from.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

from fairway.model.document import Entry, Items, Keys, Node, Text
from fairway.model.names import shown
from fairway.model.places import Findings, Path, Place
from fairway.model.services import METHODS
from fairway.model.settle import typed
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
        # A mapping that was only added to is still where it was declared.
        added_to = below is not None and isinstance(below.node, Keys) and isinstance(node, Keys)
        key_place = below.key_place if below and added_to else entry.key_place
        entries[key] = Entry(node, key_place)
    return Keys(entries, base.place, 1 + sum(e.node.size for e in entries.values()))


def with_overrides(tree: Keys, environment: str) -> Keys | None:
    """The app's tree as `environment` sees it; None where it overrides no service and no flag."""
    entries = {
        **tree.entries,
        **_overridden_services(tree, environment),
        **_overridden_flags(tree, environment),
    }
    if entries == tree.entries:
        return None
    return Keys(entries, tree.place, 1 + sum(entry.node.size for entry in entries.values()))


def _overridden_services(tree: Keys, environment: str) -> dict[str, Entry]:
    overrides = _at(tree, "environments", environment, "overrides")
    services = _at(tree, "services")
    if not (isinstance(overrides, Keys) and isinstance(services, Keys) and overrides.entries):
        return {}
    # Only what is declared can be overridden; the rest is reported where it stands.
    declared = {
        name: entry
        for name, entry in overrides.entries.items()
        if name in services.entries and isinstance(entry.node, Keys)
    }
    changed = merge(services, Keys(declared, overrides.place, overrides.size), ("services",))
    return {"services": Entry(changed, tree.entries["services"].key_place)}


def _overridden_flags(tree: Keys, environment: str) -> dict[str, Entry]:
    """A flag is one decision, so it is replaced as a whole; the percentages would not add up."""
    flags, over = _at(tree, "flags"), _at(tree, "environments", environment, "flags")
    if not (isinstance(flags, Keys) and isinstance(over, Keys) and over.entries):
        return {}
    changed = {**flags.entries, **over.entries}
    size = 1 + sum(entry.node.size for entry in changed.values())
    return {"flags": Entry(Keys(changed, flags.place, size), tree.entries["flags"].key_place)}


def _at(tree: Node, *path: str) -> Node | None:
    node: Node | None = tree
    for key in path:
        entry = node.entries.get(key) if isinstance(node, Keys) else None
        node = entry.node if entry else None
    return node


def _written_out(node: Node, path: Path) -> Node:
    """The long form of a short form, where `path` is one of those that have both."""
    match path:
        case ("services", _, "health") if isinstance(node, Text) and not (
            node.plain and typed(node.text) is None
        ):
            return _keys(node, path=node)
        case ("services" | "clients", _, "calls", _) if isinstance(node, Items):
            return _keys(node, intents=node)
        case ("services", _, "intents", _) if isinstance(node, Text):
            method, _, url_path = node.text.partition(" ")
            if method in METHODS:
                return _keys(
                    node,
                    method=Text(method, False, node.place),
                    path=Text(url_path.strip(), False, node.place),
                )
        case ("environments", _, "approvals") if isinstance(node, Text):
            return _keys(node, count=node)
    return node


def _keys(short: Node, **entries: Node) -> Keys:
    long = {key: Entry(node, short.place) for key, node in entries.items()}
    return Keys(long, short.place, 1 + sum(node.size for node in entries.values()))


@dataclass(slots=True)
class Bases:
    """Reads an app file and, below it, everything that it extends.

    `read` gives the text of a path relative to the app file's folder and may raise OSError. Inside,
    a file goes by that path too; only problems show it as the caller named the app file.
    """

    file: str
    read: Callable[[str], str]
    findings: Findings
    _seen: int = field(default=0)

    def tree(self, text: str) -> Keys | None:
        """The app file with its bases below it; None where not even a mapping could be read."""
        return self._read(posixpath.basename(self.file), text, ())

    def _shown(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.file), path))

    def _read(self, path: str, text: str, chain: tuple[str, ...]) -> Keys | None:
        file = self.file if not chain else self._shown(path)
        tree = read_tree(file, text, self.findings)
        if tree is None or "extends" not in tree.entries:
            return tree
        way = (*chain, path)
        names = self._names(tree.entries["extends"].node)
        bases = [self._base(name, place, way) for name, place in names]
        entries = {key: entry for key, entry in tree.entries.items() if key != "extends"}
        layers: list[Node] = [base for base in bases if base is not None]
        merged = reduce(merge, [*layers, Keys(entries, tree.place, tree.size)])
        return Keys(merged.entries, tree.place, merged.size) if isinstance(merged, Keys) else None

    def _names(self, node: Node) -> list[tuple[str, Place]]:
        """The paths under `extends`. Variables are not filled in: errors show these paths."""
        names: list[tuple[str, Place]] = []
        for item in node.nodes if isinstance(node, Items) else (node,):
            name = item.text if isinstance(item, Text) else ""
            if name and not name.startswith("/") and "\0" not in name:
                names.append((name, item.place))
            else:
                self.findings.error(
                    item.place,
                    "extends",
                    f"extends: {shown(name)} is not a relative path",
                    "name a file, or a list of files, relative to this one: extends: base.yaml",
                )
        return names

    def _base(self, name: str, place: Place, way: tuple[str, ...]) -> Keys | None:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(way[-1]), name))
        if path in way:
            circle = " → ".join((*way[way.index(path) :], path))
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
        text = self._text(path, place)
        return None if text is None else self._read(path, text, way)

    def _text(self, path: str, place: Place) -> str | None:
        try:
            return self.read(path)
        except (OSError, UnicodeDecodeError) as error:
            reason = "is not UTF-8 text" if isinstance(error, ValueError) else _reason(error)
            self.findings.error(
                place,
                "extends",
                f"extends: the file {shown(self._shown(path), 80)} {reason}",
                "correct the path; it is relative to the file that extends",
            )
            return None


def _reason(error: OSError) -> str:
    return "does not exist" if isinstance(error, FileNotFoundError) else "cannot be read"

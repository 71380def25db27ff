"""YAML text as a tree in which every key and every value knows its place.

Called by `load`. Built from the events of the YAML parser instead of its node graph: that is as
fast, needs no recursion whatever the depth, shows tags that the user wrote, and stops an alias
bomb while it is small. Guarantees: for any text whatever, either a tree or at least one problem
with a place inside the text; never another exception. Scalars stay text here (`settle` gives
them types, by the core schema of YAML 1.2: `yes` and `NO` are words, not booleans).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from fairway.model.names import shown
from fairway.model.places import Findings, Place

DEEPEST = 40
"""Levels of nesting; the deepest key of an app file lies at seven, and `config` may go deeper."""
LARGEST = 250_000
"""Values after all aliases are followed: about ten times an app of 500 services."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map")
)


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as written; `plain` when it stands without quotes, and so may be a number."""

    text: str
    plain: bool
    place: Place
    size: int = 1


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `size` counts every value in it."""

    nodes: tuple[Node, ...]
    place: Place
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a mapping with the place of its key."""

    node: Node
    key_place: Place


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping; `size` counts every value in it."""

    entries: dict[str, Entry]
    place: Place
    size: int


Node = Text | Items | Keys


class _Stop(Exception):
    """Nothing after this point is worth reading."""


def compose(file: str, text: str, findings: Findings) -> Keys | None:
    """The tree of one document; None where there is none, with the reason in `findings`.

    Raises yaml.MarkedYAMLError where the text is not YAML: `syntax` makes problems of it.
    """
    composer = _Composer(file, findings)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except _Stop:
        return None
    return composer.root_mapping()


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet; a mapping holds key, value, key, value…"""

    mapping: bool
    place: Place
    anchor: str | None
    nodes: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class _Composer:
    file: str
    findings: Findings
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    documents: int = 0
    root: Node | None = None

    def take(self, event: Event) -> None:
        """Take one event of the parser into the tree."""
        match event:
            case ScalarEvent():
                self._check_tag(event)
                plain = event.style in (None, "")
                self._add(Text(event.value, plain, self._place(event)), event.anchor)
            case MappingStartEvent() | SequenceStartEvent():
                self._start(event, isinstance(event, MappingStartEvent))
            case MappingEndEvent() | SequenceEndEvent():
                ended = self.open.pop()
                self._add(self._closed(ended), ended.anchor)
            case AliasEvent():
                self._alias(event)
            case DocumentStartEvent():
                self._document(event)

    def root_mapping(self) -> Keys | None:
        """The finished tree; an app file is a mapping."""
        match self.root:
            case Keys():
                return self.root
            case None:
                problem = "is empty"
            case Text(text="", plain=True):
                problem = "is empty"
            case _:
                problem = "is not a mapping of keys to values"
        place = self.root.place if self.root else Place(self.file, 1, 1)
        self.findings.error(
            place,
            "not-a-mapping",
            f"the file {problem}",
            "begin with the app's name: 'app: my-app'",
        )
        return None

    def _place(self, event: Event) -> Place:
        mark = event.start_mark
        if mark is None:  # typed so by PyYAML; its parsers always set it
            return Place(self.file, 1, 1)
        return Place(self.file, mark.line + 1, mark.column + 1)

    def _document(self, event: Event) -> None:
        self.documents += 1
        if self.documents > 1:
            self.findings.error(
                self._place(event),
                "second-document",
                "a second YAML document begins here",
                "keep one document in a file: remove '---' and what follows",
            )
            raise _Stop

    def _check_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.tag is not None and event.tag != "!" and event.tag not in _PLAIN_TAGS:
            self.findings.error(
                self._place(event),
                "yaml-tag",
                f"the tag {shown(event.tag)} is not understood here",
                "remove the tag: an app file holds only text, numbers, booleans, lists and keys",
            )

    def _start(self, event: MappingStartEvent | SequenceStartEvent, mapping: bool) -> None:
        self._check_tag(event)
        if len(self.open) >= DEEPEST:
            self.findings.error(
                self._place(event),
                "too-deep",
                f"nested more than {DEEPEST} levels deep",
                "close the brackets before this place, or flatten the value",
            )
            raise _Stop
        if event.anchor:
            self.anchors[event.anchor] = None
        self.open.append(_Open(mapping, self._place(event), event.anchor))

    def _alias(self, event: AliasEvent) -> None:
        anchor = event.anchor or ""
        place, name = self._place(event), shown(anchor)
        node = self.anchors.get(anchor)
        if node is not None:
            self._add(node, None)
            return
        if anchor in self.anchors:
            message = f"the alias {name} stands inside the value that it names"
        else:
            message = f"the alias {name} has no anchor before it"
        self.findings.error(place, "yaml-alias", message, f"write '&{anchor}' at a value above")
        self._add(Text("", True, place), None)

    def _add(self, node: Node, anchor: str | None) -> None:
        if node.size > LARGEST:
            self.findings.error(
                node.place,
                "too-large",
                f"holds more than {LARGEST} values once its aliases are followed",
                "use fewer aliases of aliases, or split the app",
            )
            raise _Stop
        if anchor:
            self.anchors[anchor] = node
        if self.open:
            self.open[-1].nodes.append(node)
        else:
            self.root = node

    def _closed(self, ended: _Open) -> Node:
        if not ended.mapping:
            size = 1 + sum(node.size for node in ended.nodes)
            return Items(tuple(ended.nodes), ended.place, size)
        entries = self._entries(ended)
        return Keys(entries, ended.place, 1 + sum(e.node.size for e in entries.values()))

    def _entries(self, ended: _Open) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: list[tuple[Node, Place]] = []
        for key, value in zip(ended.nodes[::2], ended.nodes[1::2], strict=True):
            if not isinstance(key, Text):
                self.findings.error(
                    key.place, "key-not-text", "a list or mapping cannot be a key", "write a name"
                )
            elif key.plain and key.text == "<<":
                merged.append((value, key.place))
            elif key.text in entries:
                self._duplicate(key, entries[key.text].key_place)
            else:
                entries[key.text] = Entry(value, key.place)
        for value, place in merged:
            self._merge(entries, value, place)
        return entries

    def _duplicate(self, key: Text, first: Place) -> None:
        self.findings.error(
            key.place,
            "duplicate-key",
            f"the key {shown(key.text)} stands here twice, first in line {first.line}",
            "keep one of them",
        )

    def _merge(self, entries: dict[str, Entry], value: Node, place: Place) -> None:
        """`<<: *base` or `<<: [*a, *b]`: keys already there win, then earlier mappings."""
        for mapping in _merged_mappings(value):
            if isinstance(mapping, Keys):
                for key, entry in mapping.entries.items():
                    entries.setdefault(key, entry)
            else:
                self.findings.error(
                    place,
                    "merge-key",
                    "'<<' takes a mapping or a list of mappings",
                    "name an anchored mapping: '<<: *base'",
                )


def _merged_mappings(value: Node) -> Iterator[Node]:
    if isinstance(value, Items):
        yield from value.nodes
    else:
        yield value

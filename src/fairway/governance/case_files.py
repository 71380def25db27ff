"""Reads `*.test.yaml`: policy test cases with the place of everything that is wrong in them.

Used by `testing.py` only. Pure. A case with a problem is left out, the others are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fairway.governance.cedar_text import Source
from fairway.governance.schema import entity_names
from fairway.model.app import App
from fairway.model.document import Entry, Items, Keys, Node, Text
from fairway.model.names import did_you_mean, shown
from fairway.model.places import Findings, Place
from fairway.model.syntax import read_tree
from fairway_runtime.policy.engine import CONTEXT, Principal

_PRINCIPAL = re.compile(r'(?P<kind>Service|Client|Gateway)::"?(?P<name>[^":]+)"?')
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_EXAMPLE = "see docs/how-to/write-policies.md for an example"


@dataclass(frozen=True, slots=True)
class Case:
    """One expectation; `policies` is None where the case does not say which policies decide."""

    name: str
    place: Place
    principal: Principal
    service: str
    intent: str
    context: Mapping[str, object]
    allowed: bool
    policies: tuple[str, ...] | None


class _Wrong(Exception):
    """This case cannot be read; the finding is already noted."""


def read_cases(file: Source, app: App, findings: Findings) -> Iterator[Case]:
    """The sound cases of a file, in order; everything else becomes a problem in `findings`."""
    tree = read_tree(file.file, file.text, findings)
    if tree is None:
        return
    reader = _Reader(app, findings)
    try:
        cases = reader.keys(tree, required=("cases",))["cases"].node
    except _Wrong:
        return
    if not isinstance(cases, Items):
        findings.error(cases.place, "policy-test", "cases must be a list", _EXAMPLE)
        return
    for node in cases.nodes:
        try:
            yield reader.case(node)
        except _Wrong:
            continue


@dataclass(frozen=True, slots=True)
class _Reader:
    app: App
    findings: Findings

    def case(self, node: Node) -> Case:
        parts = self.keys(node, required=("given", "when", "expect"), optional=("name",))
        given = self.keys(parts["given"].node, required=("principal",), optional=("context",))
        when = self.keys(parts["when"].node, required=("service", "intent"))
        service = self.known(when["service"].node, "service", self.app.services)
        intents = self.app.services[service].intents
        intent = self.known(when["intent"].node, f"intent of service '{service}'", intents)
        principal = self.principal(given["principal"].node)
        allowed, policies = self.expectation(parts["expect"].node)
        name = self.text(parts["name"].node) if "name" in parts else ""
        return Case(
            name or f"{principal.kind}::{principal.name} asks {service} for {intent}",
            node.place,
            principal,
            service,
            intent,
            self.context(given["context"].node) if "context" in given else {},
            allowed,
            policies,
        )

    def keys(
        self, node: Node, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, Entry]:
        if not isinstance(node, Keys):
            raise self.wrong(node.place, f"expected the keys {', '.join(required)}", _EXAMPLE)
        for key, entry in node.entries.items():
            if key not in (*required, *optional):
                remedy = did_you_mean(key, (*required, *optional), _EXAMPLE)
                raise self.wrong(entry.key_place, f"there is no key {shown(key)} here", remedy)
        for key in required:
            if key not in node.entries:
                raise self.wrong(node.place, f"the key '{key}' is missing", _EXAMPLE)
        return node.entries

    def principal(self, node: Node) -> Principal:
        text = self.text(node)
        found = _PRINCIPAL.fullmatch(text)
        if found is None:
            remedy = "write Service::orbit, Client::web or Gateway::public"
            raise self.wrong(node.place, f"{shown(text)} is not a principal", remedy)
        kind, name = found["kind"], found["name"]
        if name not in entity_names(self.app)[kind]:
            remedy = did_you_mean(name, entity_names(self.app)[kind], "declare it in the app file")
            raise self.wrong(
                node.place, f"the app file declares no {kind.lower()} {shown(name)}", remedy
            )
        if kind == "Service":
            return Principal("Service", name)
        return Principal("Client", name) if kind == "Client" else Principal("Gateway", name)

    def context(self, node: Node) -> dict[str, object]:
        entries = self.keys(node, required=(), optional=tuple(CONTEXT))
        return {key: self.value(key, entry.node) for key, entry in entries.items()}

    def value(self, key: str, node: Node) -> object:
        text = self.text(node)
        if CONTEXT[key] is str:
            return text
        if CONTEXT[key] is bool and text in ("true", "false"):
            return text == "true"
        if CONTEXT[key] is int and _INTEGER.fullmatch(text):
            return int(text)
        kind = "true or false" if CONTEXT[key] is bool else "a whole number"
        raise self.wrong(
            node.place, f"{key} must be {kind}, not {shown(text)}", f"write {key}: {kind}"
        )

    def expectation(self, node: Node) -> tuple[bool, tuple[str, ...] | None]:
        if isinstance(node, Text):
            return self.allowed(node), None
        parts = self.keys(node, required=("decision",), optional=("policies",))
        allowed = self.allowed(parts["decision"].node)
        if "policies" not in parts:
            return allowed, None
        policies = parts["policies"].node
        nodes = policies.nodes if isinstance(policies, Items) else (policies,)
        return allowed, tuple(self.text(each) for each in nodes)

    def allowed(self, node: Node) -> bool:
        text = self.text(node)
        if text not in ("allow", "deny"):
            remedy = did_you_mean(text, ("allow", "deny"), "write allow or deny")
            raise self.wrong(node.place, f"{shown(text)} is no decision", remedy)
        return text == "allow"

    def known(self, node: Node, what: str, names: Iterable[str]) -> str:
        text = self.text(node)
        if text not in names:
            remedy = did_you_mean(text, names, "declare it in the app file")
            raise self.wrong(node.place, f"there is no {what} {shown(text)}", remedy)
        return text

    def text(self, node: Node) -> str:
        if not isinstance(node, Text):
            raise self.wrong(node.place, "expected a text here", _EXAMPLE)
        return node.text

    def wrong(self, place: Place, message: str, remedy: str) -> _Wrong:
        self.findings.error(place, "policy-test", message, remedy)
        return _Wrong()

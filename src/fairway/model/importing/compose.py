"""A Compose file as an app file.

What has the same meaning is carried over: images, builds, commands, environment, health checks,
replicas, limits, published ports. Databases, caches and buckets become stores, values whose names
say that they are secret become secrets, and everything else is told in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairway.errors import InvalidAppFile
from fairway.model.document import Items, Keys, Node, Text
from fairway.model.importing.container import carry_over, is_called, strings
from fairway.model.importing.draft import Draft, Imported, name_from
from fairway.model.importing.starter import EXAMPLE_RUN
from fairway.model.places import Findings
from fairway.model.settle import typed
from fairway.model.syntax import read_tree

_STORES = {
    "postgres": "postgres",
    "postgis": "postgres",
    "pgvector": "postgres",
    "valkey": "valkey",
    "redis": "valkey",
    "minio": "bucket",
    "dynamodb-local": "dynamodb",
}
"""Images that are stores, by the last part of their name."""


def app_from_compose(text: str, *, name: str = "my-app", file: str = "compose.yaml") -> Imported:
    """The app file for a Compose file; raises InvalidAppFile where it is none."""
    findings = Findings()
    tree = read_tree(file, text, findings)
    services = tree.entries.get("services") if tree else None
    if tree is not None and not (services and isinstance(services.node, Keys)):
        findings.error(
            services.key_place if services else tree.place,
            "not-compose",
            "there is no mapping of services",
            "name a Compose file: it has 'services:' at its top",
        )
    if findings.problems or tree is None:
        raise InvalidAppFile(findings.problems)
    return _imported(_data(tree), name, file)


def _imported(compose: dict[str, Any], name: str, file: str) -> Imported:
    given = compose.get("name")
    draft = Draft(name_from(given if isinstance(given, str) else name, set()))
    containers = {
        str(key): value if isinstance(value, dict) else {}
        for key, value in compose["services"].items()
    }
    names = _names(draft, containers)
    for key, container in containers.items():
        if kind := _store_kind(container):
            draft.stores[names[key]] = _store(kind, container)
            draft.note(f"'{names[key]}' became a store of kind '{kind}', without its settings")
    for key, container in containers.items():
        if names[key] not in draft.stores:
            called = is_called(key, containers)
            draft.services[names[key]] = carry_over(draft, names[key], container, called=called)
            _dependencies(draft, names, key, container)
    _publish_once(draft)
    for key in compose.keys() - {"services", "name", "version"}:
        draft.note(f"'{key}' at the top of the Compose file was not carried over")
    return _with_some_service(draft).finished(file)


def _names(draft: Draft, containers: Mapping[str, Any]) -> dict[str, str]:
    names: dict[str, str] = {}
    for key in containers:
        names[key] = name_from(key, set(names.values()))
        if names[key] != key:
            draft.note(f"'{key}' is called '{names[key]}' here")
    return names


def _image(container: dict[str, Any]) -> tuple[str, str]:
    """The last part of the image's name, and its tag."""
    image = container.get("image")
    last = str(image).split("@", 1)[0].rsplit("/", 1)[-1] if image else ""
    base, _, tag = last.partition(":")
    return base, tag


def _store_kind(container: dict[str, Any]) -> str | None:
    return None if "build" in container else _STORES.get(_image(container)[0])


def _store(kind: str, container: dict[str, Any]) -> dict[str, Any]:
    major = _image(container)[1].split(".")[0].split("-")[0]
    return {"kind": kind, "version": int(major)} if major.isdigit() else {"kind": kind}


def _dependencies(draft: Draft, names: dict[str, str], key: str, container: dict[str, Any]) -> None:
    name = names[key]
    used = [names[other] for other in strings(container.get("depends_on")) if other in names]
    stores = [other for other in used if other in draft.stores]
    if stores:
        draft.services[name]["stores"] = list(dict.fromkeys(stores))
    for other in used:
        if other not in draft.stores:
            draft.note(
                f"'{name}' depends on '{other}': if it calls it, declare intents of '{other}' "
                f"and 'calls: {{{other}: […]}}' here, and read ${_variable(other)} for its address"
            )


def _variable(service: str) -> str:
    return f"{service.upper().replace('-', '_')}_URL"


def _publish_once(draft: Draft) -> None:
    """Where several services publish a port, one gateway needs a path for each."""
    published = [name for name, service in draft.services.items() if "public" in service]
    for name in published[1:]:
        draft.services[name]["public"] = f"/{name}"
        draft.note(f"'{name}' had a port of its own; the gateway serves it under '/{name}'")
    taken: dict[int, str] = {}
    for name, service in draft.services.items():
        port = service.get("port")
        if port in taken:
            del service["port"]
            draft.note(
                f"'{name}' and '{taken[port]}' both listen on {port}: '{name}' is given a free "
                "port, and must listen on $PORT"
            )
        elif port is not None:
            taken[port] = name


def _with_some_service(draft: Draft) -> Draft:
    if not draft.services:
        draft.services["web"] = {"run": EXAMPLE_RUN}
        draft.note("the Compose file has only stores; 'web' stands in for your first service")
    return draft


def _data(node: Node) -> Any:
    """Plain data with every `${VAR}` as it was written."""
    match node:
        case Keys(entries=entries):
            return {key: _data(entry.node) for key, entry in entries.items()}
        case Items(nodes=nodes):
            return [_data(child) for child in nodes]
        case Text(text=text, plain=plain):
            return typed(text) if plain else text

"""The resources of a plan of Terraform, each with what it belongs to. Pure.

Reads the JSON of `terraform show -json`: `planned_values` is what there will be, `prior_state` what
there is (https://developer.hashicorp.com/terraform/internals/json-format).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ENVIRONMENT = "environment"
"""The subject of what belongs to no service, store or topic."""

_KEYS = re.compile(r'\["([^"]+)"\]')


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. `module` is the address of the module that holds it, `key` its for_each key."""

    address: str
    kind: str
    name: str
    key: str
    module: str
    subject: str
    values: Mapping[str, Any]


def planned(plan: Mapping[str, Any], subjects: Collection[str]) -> tuple[Resource, ...]:
    """What there will be."""
    return tuple(_resources(plan.get("planned_values", {}), subjects))


def present(plan: Mapping[str, Any], subjects: Collection[str]) -> tuple[Resource, ...]:
    """What there is already; nothing before the first apply."""
    return tuple(_resources(plan.get("prior_state", {}).get("values", {}), subjects))


def subject_of(address: str, subjects: Collection[str]) -> str:
    """Whose a resource is: the first key in its address that names a service, store or topic.

    Keys of topics' queues are `topic.subscriber`: they are the topic's.
    """
    for key in _KEYS.findall(address):
        for name in (key, key.split(".")[0], key.split("/")[0]):
            if name in subjects:
                return str(name)
    return ENVIRONMENT


def _resources(values: Mapping[str, Any], subjects: Collection[str]) -> Iterator[Resource]:
    yield from _in_module(values.get("root_module", {}), "", subjects)


def _in_module(
    module: Mapping[str, Any], address: str, subjects: Collection[str]
) -> Iterator[Resource]:
    for each in module.get("resources", ()):
        if each["mode"] == "managed":
            yield Resource(
                address=each["address"],
                kind=each["type"],
                name=each["name"],
                key=str(each.get("index", "")),
                module=address,
                subject=subject_of(each["address"], subjects),
                values=each.get("values", {}),
            )
    for child in module.get("child_modules", ()):
        yield from _in_module(child, child["address"], subjects)

"""Reading the address of a resource: its type, and the service that it belongs to. Pure.

Every module and resource of our root modules that is there once per service has the service's name
as its key: `module.services["orbit"].aws_ecs_service.this["r7"]`.
"""

from __future__ import annotations

import re

_KEYED_MODULE = re.compile(r'^module\.[\w-]+\["([^"]+)"\]')
_KEYED_RESOURCE = re.compile(r'^(?:data\.)?\w+\.[\w-]+\["([^"]+)"\]$')
_MODULES = re.compile(r'module\.([\w-]+)(?:\["([^"]+)"\])?\.')
_OWN_KEY = re.compile(r'\["([^"]+)"\]$')
_KIND = re.compile(r"(?:^|\.)(?:data\.)?([a-z]\w*)\.[\w-]+(?:\[[^\]]*\])?$")


def service_of(address: str) -> str:
    """The key of its module, or of itself where it stands in the root; empty without one."""
    found = _KEYED_MODULE.match(address) or _KEYED_RESOURCE.match(address)
    return found.group(1) if found else ""


def kind_of(address: str) -> str:
    """`aws_ecs_service`; the whole address where it names no resource."""
    found = _KIND.search(address)
    return found.group(1) if found else address


def subject_of(address: str) -> str:
    """Whose it is, for people: the service, else the modules that it is in; then its own key.

    `orbit (r7)`, `state bucket`; empty for what stands in the root by itself.
    """
    service = service_of(address)
    inside = (key or name for name, key in _MODULES.findall(address))
    whose = service or " ".join(inside)
    key = _OWN_KEY.search(address)
    own = key.group(1) if key and key.group(1) != whose else ""
    return f"{whose} ({own})".strip() if own else whose

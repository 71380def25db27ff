"""The policy set of an app that writes none: what the app file declares is permitted, no more.

Used wherever `policies:` is absent. Pure. One `permit` per declared call, plus one for the public
gateway on each intent under a public route; every policy carries a readable, stable `@id`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairway.governance.bundle import declared_calls, public_calls
from fairway.model.app import App
from fairway_runtime.policy.bundle import DeclaredCall


def generate_policies(app: App) -> str:
    """The Cedar text; empty when nothing is declared, which denies everything."""
    return "\n".join(_permit(call) for call in _all_calls(app))


def _all_calls(app: App) -> Iterator[DeclaredCall]:
    yield from declared_calls(app)
    yield from public_calls(app)


def _permit(call: DeclaredCall) -> str:
    kind, caller, callee, intent = call
    prefix = "" if kind == "Service" else f"{kind.lower()}-"
    return (
        f'@id("{prefix}{caller}-may-{intent}-{callee}")\n'
        f"permit (\n"
        f'  principal == {kind}::"{caller}",\n'
        f'  action == Action::"{intent}",\n'
        f'  resource == Service::"{callee}"\n'
        f");\n"
    )

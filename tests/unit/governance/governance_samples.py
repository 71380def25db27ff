"""One app for the tests of this folder: axon uses the library, orbit and files do not."""

from __future__ import annotations

from fairway.governance.cedar_text import Source
from fairway.governance.validation import validate
from fairway.model.app import App
from fairway.model.places import Findings

SHOP = App.model_validate(
    {
        "app": "shop",
        "services": {
            "axon": {
                "run": "x",
                "library": True,
                "health": "/health",
                "intents": {"reason": "POST /reason", "item": "GET /items/{id}"},
            },
            "orbit": {
                "run": "x",
                "public": ["/api"],
                "intents": {"dispatch": "POST /api/dispatch", "admin": "POST /admin"},
                "calls": {"axon": ["reason", "item"]},
            },
            "files": {"run": "x", "intents": {"item": "GET /{name}"}},
        },
        "clients": {"web": {"calls": {"orbit": ["dispatch"], "files": ["item"]}}},
    }
)


def findings(text: str, app: App = SHOP) -> Findings:
    """What validation says about one file of policies."""
    return validate(app, [Source("policies/p.cedar", text)])


def problems(text: str, app: App = SHOP) -> list[tuple[str, int, int]]:
    """The code, line and column of each problem, by place."""
    found = sorted(findings(text, app).problems, key=lambda each: (each.line, each.column))
    return [(each.code, each.line, each.column) for each in found]

"""Templates: Jinja2 with everything escaped. Whatever a service wrote shows up as text, never runs.

`app` makes one `Templates`; pages render by `Page.render`. A missing variable is an error, so that
no page silently shows nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fairway.console.assets import Assets
from fairway.console.wording import FILTERS, GLOBALS

FOLDER = Path(__file__).parent / "templates"


class Templates:
    """All templates of the console."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(FILTERS)
        self._environment.globals.update(GLOBALS)
        self._environment.globals["asset"] = assets.url

    def html(self, template: str, **context: Any) -> str:
        """One template as HTML."""
        return self._environment.get_template(template).render(**context)

    def warm(self) -> None:
        """Compile all of them, so that the first page is as fast as the second."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

"""Templates: Jinja2 with everything escaped. Whatever a service wrote shows up as text, never runs.

`app` makes one `Templates`; pages render by `Page.render`. A missing variable is an error, so that
no page silently shows nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fairway.console.assets import Assets
from fairway.console.views.records import said
from fairway.console.views.wording import FILTERS, GLOBALS

FOLDER = Path(__file__).parent / "templates"


class Templates:
    """All templates of the console; they name files by `asset`."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    def html(self, template: str, **context: Any) -> str:
        """One template as HTML."""
        return _environment().get_template(template).render(asset=self._assets.url, **context)


def warm() -> None:
    """Compile all templates, so that the first page is as fast as the second."""
    for name in _environment().list_templates():
        _environment().get_template(name)


@cache
def _environment() -> Environment:
    """Made once: compiling all templates takes a second, and it holds nothing else."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
        auto_reload=False,  # a newer installation would not fit the program that runs
    )
    environment.filters.update(FILTERS, said=said)
    environment.globals.update(GLOBALS)
    return environment

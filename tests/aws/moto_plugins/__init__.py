"""What moto lacks and our modules need, one small module per service of AWS.

Each has `install()`, called once by `moto_server` before the first request, which patches moto's
classes. What is added, and what is still not emulated, is listed in `docs/aws-emulation.md`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules


def install() -> None:
    """Install every module of this package."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}").install()

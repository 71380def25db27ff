from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from fairway_runtime.logs import unconfigure

# A slow machine finds no other defects: nothing is to be done within 200 ms.
settings.register_profile("unhurried", settings(deadline=None))
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Wrapping an app takes over the logging of the process, which other tests have as well."""
    yield
    unconfigure()

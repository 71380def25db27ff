from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairway_runtime.logs import unconfigure


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Wrapping an app takes over the logging of the process, which other tests have as well."""
    yield
    unconfigure()

"""Which release is the one before."""

from __future__ import annotations

import pytest

from fairway.delivery.going_back import standing


@pytest.mark.parametrize(
    ("succeeded", "path"),
    [
        ([], []),
        ([1, 2, 3], [1, 2, 3]),
        ([1, 2, 3, 2], [1, 2]),  # rolled back from 3: before 2 comes 1, and never 3 again
        ([1, 2, 3, 2, 1], [1]),
        ([1, 2, 3, 1, 4], [1, 4]),
        ([1, 2, 2], [1, 2]),  # a repair of what is in force
        ([1, 2, 1, 2], [1, 2]),  # undone, and brought back on purpose
    ],
)
def test_a_rollback_takes_away_what_came_after(succeeded: list[int], path: list[int]) -> None:
    assert standing(succeeded) == path

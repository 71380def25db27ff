"""`/health` answers a load balancer, which has no token and asks by the task's address."""

from __future__ import annotations

import pytest
from tests.unit.console.console_rig import ConsoleRig


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "10.255.240.17:8700", "fairway.example.com"])
async def test_it_answers_whoever_asks_and_tells_nothing(host: str) -> None:
    browser = ConsoleRig(shared=True).browser()
    answer = await browser.get("/health", headers={"host": host})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_nothing_else_is_open_to_whom_it_answers() -> None:
    browser = ConsoleRig(shared=True).browser()
    for path in ("/health/", "/api/v1/system", "/healthz"):
        answer = await browser.get(path, headers={"host": "10.255.240.17:8700"})
        assert answer.status_code in {401, 403, 404}, path

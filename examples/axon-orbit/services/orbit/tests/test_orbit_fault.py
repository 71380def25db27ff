"""The fault on demand: half of the answers, and only on demand."""

from __future__ import annotations

import time

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from orbit.fault import LATENCY, Fault, fault_of, faulty


async def fine(_: Request) -> Response:
    return JSONResponse({})


def asked(fault: Fault, times: int) -> list[tuple[int, float]]:
    """Status and seconds of so many answers."""
    client = TestClient(Starlette(routes=[Route("/", faulty(fine, fault))]))
    answers = []
    for _ in range(times):
        started = time.perf_counter()
        answers.append((client.get("/").status_code, time.perf_counter() - started))
    return answers


def test_half_of_the_answers_are_errors() -> None:
    statuses = [status for status, _ in asked("errors", 10)]
    assert (statuses.count(500), statuses.count(200)) == (5, 5)


def test_half_of_the_answers_are_late_and_right() -> None:
    answers = asked("latency", 4)
    assert [status for status, _ in answers] == [200] * 4
    assert sum(seconds > LATENCY * 0.9 for _, seconds in answers) == 2


def test_without_a_fault_the_handler_is_itself() -> None:
    assert faulty(fine, fault_of("")) is fine


@pytest.mark.parametrize("text", ["error", "ERRORS", "1"])
def test_a_fault_that_nobody_knows_is_said_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="errors, latency"):
        fault_of(text)

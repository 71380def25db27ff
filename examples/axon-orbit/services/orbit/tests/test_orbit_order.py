"""Unit tests of what orbit accepts."""

import pytest

from orbit.order import InvalidOrder, Order


def test_an_order_asks_for_reasoning_unless_it_says_otherwise() -> None:
    assert Order.parse(b'{"prompt": "why"}') == Order("why", "reason")


def test_an_order_may_name_its_intent() -> None:
    assert Order.parse(b'{"prompt": "why", "intent": "retrain"}').intent == "retrain"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", '"prompt"'),
        (b'{"prompt": " "}', '"prompt"'),
        (b'{"prompt": 1}', '"prompt"'),
        (b'{"prompt": "why", "intent": null}', '"intent"'),
    ],
)
def test_what_is_no_order_is_refused_with_the_reason(body: bytes, problem: str) -> None:
    with pytest.raises(InvalidOrder, match=problem):
        Order.parse(body)

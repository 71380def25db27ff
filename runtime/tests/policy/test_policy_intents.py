"""Which intent a request is for: templates, precedence, normalised paths, and calls filled in."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.intents import (
    IntentRoute,
    IntentTable,
    covers,
    fill,
    normalise,
    parameters,
    path_regex,
)

TABLE = IntentTable(
    [
        IntentRoute("any-part", "GET", "/items/{id}/{part}"),
        IntentRoute("item", "GET", "/items/{id}"),
        IntentRoute("newest", "GET", "/items/new"),
        IntentRoute("home", "GET", "/items/~home"),
        IntentRoute("replace", "PUT", "/items/{id}"),
        IntentRoute("price", "GET", "/items/{id}/price"),
        IntentRoute("braces", "GET", "/files/{name}.json"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "intent"),
    [
        ("GET", "/items/7", "item"),
        ("PUT", "/items/7", "replace"),
        ("GET", "/items/new", "newest"),
        ("GET", "/items/~home", "home"),
        ("GET", "/items/%7Ehome", "home"),
        ("GET", "/items/7/price", "price"),
        ("GET", "/items/7/weight", "any-part"),
        ("GET", "/files/a.json", None),
        ("GET", "/files/{name}.json", "braces"),
        ("GET", "/files/%7Bname%7d.json", "braces"),
        ("POST", "/items/7", None),
        ("get", "/items/7", None),
        ("GET", "/items/", None),
        ("GET", "/items/7/", None),
        ("GET", "/ITEMS/7", None),
        ("GET", "/items/7\n", None),
        ("GET", "", None),
        ("HEAD", "/items/7", "item"),
        ("HEAD", "/items/new", "newest"),
        ("HEAD", "/items/%7Ehome", "home"),
        ("HEAD", "/nowhere", None),
    ],
)
def test_the_most_literal_template_wins(method: str, path: str, intent: str | None) -> None:
    route = TABLE.match(method, path)
    assert (route.name if route else None) == intent


@pytest.mark.parametrize("path", ["/it%65ms/n%65w", "/%69tems//new", "/x/..//items/./new"])
def test_another_spelling_of_a_path_is_the_same_intent(path: str) -> None:
    found = TABLE.match("GET", path)
    assert found is not None
    assert found.name == "newest"


@pytest.mark.parametrize(
    "path", ["/a%2Fb", "/a%5cb", "/a%00", "/a#b", "/a?b", "/é", "/a b", "a", "*"]
)
def test_what_envoy_refuses_has_no_intent(path: str) -> None:
    assert normalise(path) is None


@pytest.mark.parametrize("path", ["/%2e;/reason", "/x/.%2E;y/reason", "/%2e%2e;"])
def test_a_path_that_two_envoys_would_read_differently_has_no_intent(path: str) -> None:
    assert normalise(path) is None


@given(st.text(alphabet="/.%2eEaB\\;~", max_size=14).map(lambda text: "/" + text))
def test_normalising_twice_changes_nothing(path: str) -> None:
    once = normalise(path)
    assert once is None or normalise(once) == once


@given(st.text(max_size=12))
def test_any_literal_template_matches_its_own_path_only_whole(text: str) -> None:
    template = "/" + text.replace("{", "").replace("}", "")
    pattern = re.compile(path_regex(template))
    assert pattern.fullmatch(path_regex("/other-entirely")) is None
    assert (pattern.fullmatch(template) is not None) == _is_written_plainly(template)


def _is_written_plainly(template: str) -> bool:
    """Printable ASCII without escapes, and without what a path holds only escaped."""
    return re.fullmatch(r"[!-~]*", template) is not None and not set(template) & set("%?#\\")


@pytest.mark.parametrize("part", ["-", "/a", "/..", "/.;", "\\"])
def test_time_grows_with_the_length_of_a_path_and_not_faster(part: str) -> None:
    """Twenty times as long takes twenty times as long; what backtracks, four hundred times."""
    assert _seconds_to_match("/" + part * 60_000) < 100 * _seconds_to_match("/" + part * 3_000)


def _seconds_to_match(path: str) -> float:
    """The best of five, for what else the machine does in between."""
    table = IntentTable([IntentRoute("deep", "GET", "/{a}/{b}/{c}/{d}/end")])

    def once() -> float:
        started = time.perf_counter()
        assert table.match("GET", path) is None
        return time.perf_counter() - started

    return min(once() for _ in range(5))


@pytest.mark.parametrize("path", ["/page", "/pages/{id}"])
def test_head_asks_for_what_get_does_unless_it_is_declared(path: str) -> None:
    get, head = IntentRoute("read", "GET", path), IntentRoute("size", "HEAD", path)
    for declared in ((get, head), (head, get)):
        table = IntentTable(declared)
        assert [table.match(m, path) for m in ("GET", "HEAD")] == [get, head]
        assert table.routes == (head, get)
    assert IntentTable([get]).match("HEAD", path) == get
    assert IntentTable([head]).match("GET", path) is None


def test_routes_are_in_the_order_in_which_they_must_be_tried() -> None:
    names = [route.name for route in TABLE.routes]
    assert names.index("home") < names.index("item")
    assert names.index("price") < names.index("any-part")


def test_public_prefixes_cover_whole_segments() -> None:
    assert covers("/", "/anything")
    assert covers("/api", "/api")
    assert covers("/api/", "/api/x")
    assert not covers("/api", "/apiary")


def test_a_call_is_filled_in_and_its_values_escaped() -> None:
    assert parameters("/items/{id}/{part}") == ("id", "part")
    assert fill("/items/{id}", {"id": "a b?#é"}) == "/items/a%20b%3F%23%C3%A9"


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a\\b", "a\0"])
def test_a_value_that_would_change_the_path_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="parameter id"):
        fill("/items/{id}", {"id": value})


@pytest.mark.parametrize("values", [{}, {"id": "1", "more": "2"}])
def test_missing_and_unknown_parameters_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="takes the parameters: id"):
        fill("/items/{id}", values)

"""Properties that hold for any request: what is signed verifies, what is changed does not."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from runtime.tests.sigv4_requests import request, signed_headers, verify

from fairway_runtime.body import (
    BodyTooLarge,
    ClientGone,
    announced_too_large,
    read_body,
    replay,
)
from fairway_runtime.intents import normalise
from fairway_runtime.sigv4 import SignatureRefused
from fairway_runtime.sigv4.canonical import canonical_path, canonical_query, fold_headers

METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)
PATHS = VISIBLE.map(lambda text: "/" + text.replace("?", "").replace("#", ""))
QUERIES = VISIBLE.map(lambda text: text.replace("#", ""))
VALUES = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc"]), max_size=30)


@given(METHODS, PATHS, QUERIES, VALUES, st.binary(max_size=200))
def test_whatever_is_signed_verifies(
    method: str, path: str, query: str, value: str, body: bytes
) -> None:
    sent = request(path, query, body, method, [("x-fairway-any", value)])
    assert verify(sent, signed_headers(sent)).caller == "orbit"


@given(PATHS, PATHS, QUERIES, QUERIES)
def test_another_path_or_query_never_verifies(
    path: str, other_path: str, query: str, other_query: str
) -> None:
    first = (canonical_path(path.encode()), canonical_query(query.encode()))
    second = (canonical_path(other_path.encode()), canonical_query(other_query.encode()))
    assume(first != second)
    sent = request(path, query)
    with pytest.raises(SignatureRefused):
        verify(request(other_path, other_query), signed_headers(sent))


@given(PATHS)
def test_the_form_that_our_client_sends_is_stable(path: str) -> None:
    normal = normalise(path)
    # Envoy leaves a path of slashes alone as it is; it belongs to no intent.
    assume(normal is not None and normal != "//")
    assert normal is not None
    assert normalise(normal) == normal
    # Without the doubled encoding, what is signed is the path that every proxy leaves as it is.
    assert unquote_to_bytes(canonical_path(normal.encode())) == normal.encode()


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.binary(max_size=4))))
def test_folding_keeps_every_value_in_order(pairs: list[tuple[bytes, bytes]]) -> None:
    folded = fold_headers(pairs)
    for name in {name for name, _ in pairs}:
        values = [value for found, value in pairs if found == name]
        expected = values[0] if len(values) == 1 else b",".join(each.strip() for each in values)
        assert folded.values[name] in (expected, _repeatedly_stripped(values))
        assert (name in folded.repeated) == (len(values) > 1)


def _repeatedly_stripped(values: list[bytes]) -> bytes:
    """Folding strips what it has so far before each comma, as it may end in an empty value."""
    joined = values[0]
    for value in values[1:]:
        joined = joined.strip() + b"," + value.strip()
    return joined


def receiving(chunks: list[bytes], *, gone: bool = False) -> Any:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": gone or number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]
    if gone:
        messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return receive


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8), st.integers(0, 60))
async def test_a_body_arrives_whole_or_is_too_large(chunks: list[bytes], limit: int) -> None:
    body = b"".join(chunks)
    if len(body) > limit:
        with pytest.raises(BodyTooLarge):
            await read_body(receiving(chunks), limit)
        return
    read = await read_body(receiving(chunks), limit)
    assert read == body
    again = replay(read, receiving([b"what comes after"]))
    assert (await again())["body"] == body
    assert (await again())["body"] == b"what comes after"


@given(st.lists(st.binary(max_size=5), max_size=3))
async def test_a_caller_that_goes_away_is_noticed(chunks: list[bytes]) -> None:
    with pytest.raises(ClientGone):
        await read_body(receiving(chunks, gone=True), 100)


@pytest.mark.parametrize(
    ("announced", "too_large"),
    [(None, False), (b"10", False), (b"11", True), (b"x", False), (b"-1", False)],
)
def test_an_announced_length_is_believed_only_when_it_is_a_number(
    announced: bytes | None, too_large: bool
) -> None:
    assert announced_too_large(announced, 10) is too_large

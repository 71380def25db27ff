"""Our signatures equal those of botocore and awscrt, and we accept theirs: both directions."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime.tests.sigv4_peers import awscrt_headers, botocore_headers
from runtime.tests.sigv4_requests import request, signed_headers, verify

from fairway_runtime.sigv4 import SignableRequest

Peer = Callable[[SignableRequest], list[tuple[str, str]]]
PEERS = [pytest.param(botocore_headers, id="botocore"), pytest.param(awscrt_headers, id="awscrt")]

PATHS = [
    "/", "/reason", "/a/b/c/", "/a//b///c", "//", "/a/./b", "/a/../b", "/..", "/a/..", "/a/.",
    "/%7Euser", "/~user", "/caf%C3%A9", "/a%2Fb", "/a%252Fb", "/%2e%2e/x", "/.hidden/..b", "/a+b",
    "/a%20b", "/a;v=1/b:c@d", "/a*'()!b", "/$&,=", "/index.html", "/%zz",
]  # fmt: skip
QUERIES = [
    "", "a=1", "b=2&a=1", "a=2&a=1&a=10", "a=", "a", "=x", "a&b&a", "A=1&a=2",
    "foo=1&foo-b=2&foo%3D=3", "q=a%20b", "q=caf%C3%A9", "q=%2F%3D%26", "q=~-_.", "x=%2A%27",
]  # fmt: skip
BODIES = [b"", b"{}", b"\x00\xff" * 500, b"x" * 2**20]
HEADERS = [
    [],
    [("content-type", "application/json; charset=utf-8")],
    [("Content-Type", "text/plain"), ("X-Fairway-Any", "canary")],
    [("x-fairway-a", "  padded   inside  "), ("x-fairway-b", '"q  q"')],
    [("x-fairway-a", "2"), ("x-fairway-a", "1"), ("X-Fairway-A", " 3 ")],
    [("x-fairway-empty", "")],
    [("idempotency-key", "k-1")],
]


def signature(headers: list[tuple[str, str]]) -> str:
    found = {name.lower(): value for name, value in headers}["authorization"]
    return re.sub(r"\s", "", found)


def check_both_directions(peer: Peer, sent: SignableRequest) -> None:
    theirs = peer(sent)
    assert verify(sent, theirs).caller == "orbit"
    assert signature(signed_headers(sent)) == signature(theirs)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("path", PATHS)
def test_paths_agree(peer: Peer, path: str) -> None:
    check_both_directions(peer, request(path))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("query", QUERIES)
def test_queries_agree(peer: Peer, query: str) -> None:
    check_both_directions(peer, request(query=query))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("body", BODIES, ids=len)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_bodies_and_methods_agree(peer: Peer, body: bytes, method: str) -> None:
    check_both_directions(peer, request(body=body, method=method))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_headers_agree(peer: Peer, headers: list[tuple[str, str]]) -> None:
    check_both_directions(peer, request(headers=headers))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize(
    "query", ["a+b=c+d", "a=b=c", "q=%7e", "q=%2f&p=%c3%a9", "a=1&&b=2", "&", "q=*'()!", "q=é"]
)
def test_spellings_on_which_the_two_peers_differ_are_accepted_from_both(
    peer: Peer, query: str
) -> None:
    sent = request(query=query)
    assert verify(sent, peer(sent)).key_id == "orbit.1"


def test_non_ascii_paths_agree_with_botocore() -> None:
    check_both_directions(botocore_headers, request("/café/naïve"))


SEGMENT = st.text("aZ09-._~%+*'()!$&,;=:@é", min_size=0, max_size=6).filter(
    lambda text: re.fullmatch(r"(?:[^%]|%(?![0-9A-Fa-f]{2}))*", text) is not None
)
SAFE = st.text("azAZ09-._~", max_size=4)


@given(st.lists(SEGMENT, max_size=5), st.lists(st.tuples(SAFE, SAFE), max_size=4), st.binary())
def test_any_request_agrees_with_botocore(
    segments: list[str], pairs: list[tuple[str, str]], body: bytes
) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    check_both_directions(botocore_headers, request("/" + "/".join(segments), query, body))


@given(st.lists(SAFE, max_size=5), st.lists(st.tuples(SEGMENT, SEGMENT), max_size=4), st.binary())
def test_any_request_agrees_with_awscrt(
    segments: list[str], pairs: list[tuple[str, str]], body: bytes
) -> None:
    query = "&".join(f"{name.replace('&', '')}={value.replace('&', '')}" for name, value in pairs)
    sent = request("/" + "/".join(segments), query.replace("%", ""), body)
    check_both_directions(awscrt_headers, sent)

"""Ids from outside: accepted exactly as their specifications allow, else replaced."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime import current_request
from fairway_runtime.context import (
    Trace,
    carried_headers,
    child,
    correlation_id,
    new_trace,
    parse_deadline,
    parse_trace,
)
from fairway_runtime.peer import Peer, parse_peer

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def trace_of(traceparent: str, tracestate: str | None = None) -> Trace:
    headers = {b"traceparent": traceparent.encode("latin-1")}
    if tracestate is not None:
        headers[b"tracestate"] = tracestate.encode("latin-1")
    return parse_trace(headers)


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("ff", True)]
)
def test_a_valid_parent_is_continued(flags: str, sampled: bool) -> None:
    found = trace_of(f"00-{TRACE}-{PARENT}-{flags}")
    assert (found.trace_id, found.parent_id, found.sampled) == (TRACE, PARENT, sampled)
    assert found.span_id not in ("", PARENT)
    assert found.traceparent == f"00-{TRACE}-{found.span_id}-0{int(sampled)}"


@pytest.mark.parametrize("traceparent", [f"cc-{TRACE}-{PARENT}-01", f"cc-{TRACE}-{PARENT}-01-new"])
def test_a_later_version_is_read_as_far_as_known(traceparent: str) -> None:
    assert trace_of(traceparent).trace_id == TRACE


@pytest.mark.parametrize(
    "traceparent",
    [
        "", "x", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-more", f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1", f"cc-{TRACE}-{PARENT}-01.", f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01\n",
    ],
)  # fmt: skip
def test_an_invalid_parent_starts_a_new_trace_without_state(traceparent: str) -> None:
    found = trace_of(traceparent, "vendor=1")
    assert found.trace_id != TRACE
    assert (found.parent_id, found.state, found.sampled) == ("", "", False)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("a=1,b=2", "a=1,b=2"), (" a=1 ,\tb=2", "a=1,b=2"), ("a=1,,b=2", "a=1,b=2"),
        ("tenant@vendor=x y", "tenant@vendor=x y"), ("A=1", ""), ("a", ""), ("a=1,a=2", ""),
        ("a=", ""), ("a=b=c", ""), ("é=1", ""), ("a=\x7f", ""),
        (",".join(f"k{n}=1" for n in range(32)), ",".join(f"k{n}=1" for n in range(32))),
        (",".join(f"k{n}=1" for n in range(33)), ""),
    ],
)  # fmt: skip
def test_tracestate_is_kept_whole_or_dropped(state: str, kept: str) -> None:
    assert trace_of(f"00-{TRACE}-{PARENT}-01", state).state == kept


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_header_breaks_parsing(parent: bytes, state: bytes) -> None:
    found = parse_trace({b"traceparent": parent, b"tracestate": state})
    assert len(found.trace_id) == 32
    assert int(found.span_id, 16)


def test_a_child_continues_its_parent() -> None:
    parent = new_trace(sampled=True)
    below = child(parent)
    assert (below.trace_id, below.parent_id, below.sampled) == (
        parent.trace_id, parent.span_id, True,
    )  # fmt: skip
    assert below.span_id != parent.span_id


@pytest.mark.parametrize("value", ["trip-1", "a", "A.b_c:d@e+f=g/h", "x" * 128])
def test_a_well_formed_correlation_id_is_kept(value: str) -> None:
    assert correlation_id({b"x-correlation-id": value.encode()}, "new") == value


@pytest.mark.parametrize("value", ["", "x" * 129, "a b", "a\nb", "-a", 'a"b', "é", "a,b", "a\n"])
def test_any_other_correlation_id_is_replaced(value: str) -> None:
    assert correlation_id({b"x-correlation-id": value.encode()}, "new") == "new"


@pytest.mark.parametrize(
    ("value", "seconds"), [(b"1500", 1.5), (b"", None), (b"-1", None), (b"1e3", None)]
)
def test_deadlines_are_unix_milliseconds(value: bytes, seconds: float | None) -> None:
    assert parse_deadline({b"x-fairway-deadline": value}) == seconds


@pytest.mark.parametrize("value", [b"", b"a=\xc3\xa4", b"x" * 8193])
def test_baggage_that_no_header_may_hold_is_not_passed_on(value: bytes) -> None:
    headers = {b"baggage": value, b"x-fairway-user": b"u", b"x-other": b"o"}
    assert carried_headers(headers) == (("x-fairway-user", "u"),)


async def test_outside_of_a_request_there_is_no_context() -> None:
    with pytest.raises(LookupError, match=r"fairway\(app\)"):
        await asyncio.to_thread(current_request)


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        ("URI=spiffe://shop.local/orbit", Peer("shop.local", "orbit")),
        ('Hash=1;Subject="CN=a,b\\";c";URI=spiffe://shop.local/orbit;DNS=x',
         Peer("shop.local", "orbit")),
        ("URI=spiffe://shop.local/a,URI=spiffe://shop.local/b", Peer("shop.local", "b")),
        ('URI="spiffe://shop.local/orbit"', Peer("shop.local", "orbit")),
        ("URI=spiffe://shop.local/a;URI=spiffe://shop.local/b", None),
        ('Subject="URI=spiffe://shop.local/orbit"', None),
        ("URI=spiffe://shop.local/orbit/more", None),
        ("URI=https://shop.local/orbit", None),
        ("URI=spiffe://shop.local/Orbit", None),
        ("", None),
        ("x" * 9000, None),
    ],
)  # fmt: skip
def test_the_peer_is_the_uri_of_the_last_element(header: str, peer: Peer | None) -> None:
    assert parse_peer(header.encode()) == peer


@given(st.binary(max_size=200))
def test_no_peer_header_breaks_parsing(header: bytes) -> None:
    assert parse_peer(header) is None or b"spiffe://" in header

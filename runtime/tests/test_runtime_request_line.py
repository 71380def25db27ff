"""The line of a request is JSON whatever stands in it, and says what an encoder would say."""

from __future__ import annotations

import io
import json
import string

from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.logs import JsonLines
from fairway_runtime.policy.engine import Decision, Principal
from fairway_runtime.request_line import Served, request_line

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ids = st.text(string.ascii_letters + string.digits + "._:@+=/-", min_size=1, max_size=40)
callers = st.none() | st.builds(Principal, st.sampled_from(["Service", "Gateway"]), texts)
decisions = st.none() | st.builds(
    Decision, st.booleans(), texts, st.lists(texts, max_size=2).map(tuple), st.integers(0, 9), texts
)
requests = st.builds(
    Served,
    ended=st.just(1_000.5),
    seconds=st.floats(0, 1_000),
    method=texts,
    path=texts,
    status=st.integers(100, 599),
    ids=st.tuples(ids, ids, ids),
    known=st.just(True),
    caller=callers,
    intent=texts,
    decision=decisions,
    reason=texts,
)


@given(requests)
def test_a_line_holds_what_was_served(served: Served) -> None:
    stream = io.StringIO()
    JsonLines({"service": "axon"}, stream).write_text(request_line(served))
    line = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert line["time"] == "1970-01-01T00:16:40.500000Z"
    assert line["service"] == "axon"
    assert (line["method"], line["path"], line["status"]) == served[2:5]
    assert (line["correlation_id"], line["trace_id"], line["span_id"]) == served.ids
    assert line["caller"] == ("::".join(served.caller) if served.caller else "")
    assert (line["intent"], line.get("reason", "")) == (served.intent, served.reason)
    if served.decision:
        assert line["allowed"] is served.decision.allowed
        assert tuple(line["policies"]) == served.decision.policies
        assert line["decision_id"] == served.decision.decision_id
    assert abs(line["duration_ms"] - served.seconds * 1000) <= 0.0006


def test_where_nobody_was_asked_nobody_is_named() -> None:
    unknown = Served(1.0, 0.1, "GET", "/", 200, ("a", "b", "c"), False, None, "", None, "")
    line = json.loads(f"{{{request_line(unknown)}}}")
    assert not {"caller", "intent", "signed", "allowed", "reason"} & line.keys()

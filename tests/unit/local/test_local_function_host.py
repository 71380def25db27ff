"""Events as API Gateway makes them, and answers as it takes them."""

import asyncio
import base64
import sys
import time
from datetime import UTC, datetime

import httpx2
import pytest

from fairway.errors import InvalidInput
from fairway.targets.local.function_host import (
    FunctionContext,
    FunctionHost,
    Incoming,
    event_of,
    load_handler,
    response_of,
)


def incoming(**changes):
    values = {
        "method": "POST",
        "path": "/a%20b",
        "query": "tag=a&tag=b&empty=",
        "headers": (
            ("host", "fn.internal:80"),
            ("user-agent", "test"),
            ("x-many", "1"),
            ("x-many", "2"),
            ("cookie", "a=1; b=2"),
            ("content-type", "application/json"),
        ),
        "body": b'{"n": 1}',
        "source": "127.0.0.1",
        "request_id": "r-1",
        "at": datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    }
    return Incoming(**values | changes)


def test_the_event_of_a_request():
    assert event_of(incoming()) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a%20b",
        "rawQueryString": "tag=a&tag=b&empty=",
        "queryStringParameters": {"tag": "a,b", "empty": ""},
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "fn.internal:80",
            "user-agent": "test",
            "x-many": "1,2",
            "content-type": "application/json",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": "fn.internal",
            "domainPrefix": "fn",
            "http": {
                "method": "POST",
                "path": "/a%20b",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test",
            },
            "requestId": "r-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "21/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795262400000,
        },
        "body": '{"n": 1}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("image/png", b"text"), ("text/plain", b"\xff\xfe"), ("", b"text")],
)
def test_what_is_not_text_is_base64(content_type, body):
    event = event_of(incoming(headers=(("content-type", content_type),), body=body))
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == body


def test_no_body_no_query_no_cookies():
    event = event_of(incoming(headers=(), body=b"", query=""))
    assert event.keys().isdisjoint({"body", "queryStringParameters", "cookies"})
    assert not event["isBase64Encoded"]


@pytest.mark.parametrize(
    ("answer", "status", "body", "content_type"),
    [
        ({"statusCode": 204}, 204, b"", "text/plain; charset=utf-8"),
        ({"statusCode": "200", "body": "hi"}, 200, b"hi", "text/plain; charset=utf-8"),
        ({"statusCode": 200, "body": {"a": 1}}, 200, b'{"a": 1}', "text/plain; charset=utf-8"),
        (
            {
                "statusCode": 200,
                "headers": {"Content-Type": "image/png"},
                "body": base64.b64encode(b"\x89PNG").decode(),
                "isBase64Encoded": True,
            },
            200,
            b"\x89PNG",
            "image/png",
        ),
        ({"message": "inferred"}, 200, b'{"message": "inferred"}', "application/json"),
        ("plain", 200, b"plain", "application/json"),
        (None, 200, b"null", "application/json"),
    ],
)
def test_the_response_of_an_answer(answer, status, body, content_type):
    response = response_of(answer)
    assert (response.status_code, response.body) == (status, body)
    assert response.headers["content-type"] == content_type


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": 42},
        {"statusCode": "many"},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
    ],
)
def test_an_answer_that_means_nothing_is_an_error(answer):
    with pytest.raises(ValueError, match=r".+"):
        response_of(answer)


def test_a_handler_is_found_by_name(tmp_path, monkeypatch):
    (tmp_path / "fn_for_test.py").write_text("def handle(event, context): return 1\nx = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_handler("fn_for_test:handle")({}, None) == 1
    for name in ("nothing", "x"):
        with pytest.raises(InvalidInput, match=f"has no function {name}"):
            load_handler(f"fn_for_test:{name}")
    sys.modules.pop("fn_for_test")


def test_the_context_counts_down():
    context = FunctionContext("fn", "r-1", deadline=time.monotonic() + 1.0)
    assert 900 < context.get_remaining_time_in_millis() <= 1000
    assert FunctionContext("fn", "r", deadline=0.0).get_remaining_time_in_millis() == 0


async def ask(handler, count=1):
    transport = httpx2.ASGITransport(app=FunctionHost(handler, "fn"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://fn") as client:
        return await asyncio.gather(*(client.get(f"/{n}") for n in range(count)))


async def test_one_event_at_a_time():
    running = []

    def handle(event, context):
        running.append(event["rawPath"])
        time.sleep(0.02)
        return len(running) if running[-1] == event["rawPath"] else "overlapped"

    answers = await ask(handle, 5)
    assert sorted(answer.json() for answer in answers) == [1, 2, 3, 4, 5]


async def test_a_failing_handler_is_one_failed_request(capsys):
    def handle(event, context):
        raise SystemError("on purpose")

    (answer,) = await ask(handle)
    assert answer.status_code == 500
    assert "on purpose" not in answer.text
    assert "SystemError: on purpose" in capsys.readouterr().err

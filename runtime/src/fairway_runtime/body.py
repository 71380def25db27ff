"""Reading a request body before its handler does, and giving it back.

The signature covers the hash of the body, so the whole body has to be seen before the handler may
act on it. Bounded: whoever sends more than `limit` is told 413 without it being kept.
"""

from __future__ import annotations

from fairway_runtime.asgitypes import Message, Receive


class BodyTooLarge(Exception):
    """More than the limit arrived, or was announced."""


class ClientGone(Exception):
    """The caller went away before the body was complete."""


def announced_too_large(content_length: bytes | None, limit: int) -> bool:
    """Whether `content-length` alone says that the body is too large."""
    return content_length is not None and content_length.isdigit() and int(content_length) > limit


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body; raises BodyTooLarge or ClientGone."""
    message = await receive()
    body: bytes = _chunk(message)
    if not message.get("more_body", False):
        return _within(body, limit)
    chunks = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await receive()
        chunk = _chunk(message)
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
    return _within(b"".join(chunks), limit)


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    chunk: bytes = message.get("body", b"")
    return chunk


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise BodyTooLarge
    return body


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` first and then what the server has to say."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again

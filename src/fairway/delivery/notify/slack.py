"""Messages for people: the incoming webhooks of Slack, and of what is compatible with them."""

from __future__ import annotations

import json

from fairway.delivery.events import Json
from fairway.delivery.notify.post import Poster
from fairway.delivery.notify.sink import SecretOf, value_of

_MARKS = {
    "succeeded": ":white_check_mark:",
    "rolled-back": ":rewind:",
    "failed": ":red_circle:",
    "override": ":rotating_light:",
    "requested": ":raised_hand:",
    "paused": ":double_vertical_bar:",
    "detected": ":warning:",
}


class Slack:
    """Posts a readable message; its address is the value of the secret of this name."""

    def __init__(
        self,
        secret: str,
        events: frozenset[str],
        secret_of: SecretOf,
        poster: Poster | None = None,
    ) -> None:
        self.name = f"slack {secret}"
        self._secret = secret
        self._events = events
        self._secret_of = secret_of
        self._poster = poster or Poster()

    def wants(self, kind: str) -> bool:
        """Only these types, or every one when none is named."""
        return not self._events or kind in self._events

    async def send(self, event: Json) -> None:
        """Post the message."""
        url = value_of(self._secret_of, self._secret).strip()
        body = json.dumps(message(event), ensure_ascii=False).encode()
        await self._poster.post(url, body, {"content-type": "application/json; charset=utf-8"})

    async def close(self) -> None:
        """Give the connections up."""
        await self._poster.close()


def message(event: Json) -> Json:
    """An event as a message: `text` for notifications, `blocks` for the channel. Pure."""
    data = event["data"]
    place = f"{data['app']} ({data['environment']})"
    words = data["words"] or event["type"].removeprefix("io.fairway.").rpartition(".")[0]
    what = event["type"].rpartition(".")[0].rpartition(".")[2]
    mark = f"{_MARKS[what]} " if what in _MARKS else ""
    headline = {"type": "mrkdwn", "text": f"{mark}*{_escaped(place)}*\n{_escaped(words)}"}
    footer = [{"type": "mrkdwn", "text": _escaped(line)} for line in _details(event)]
    blocks: list[Json] = [{"type": "section", "text": headline}]
    return {
        "text": _escaped(f"{place}: {words}"),
        "blocks": blocks + ([{"type": "context", "elements": footer}] if footer else []),
    }


def _details(event: Json) -> list[str]:
    release, deployment = event["data"].get("release"), event.get("subject")
    named = (("release", release), ("deployment", deployment))
    return [f"{name} {value}" for name, value in named if value]


def _escaped(text: str) -> str:
    """The three characters that mean something in a message."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

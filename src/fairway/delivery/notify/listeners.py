"""From what an app file declares under `notify` to the sinks that the relay tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fairway.delivery.notify.bus import NatsBus
from fairway.delivery.notify.sink import SecretOf, Sink, value_of
from fairway.delivery.notify.slack import Slack
from fairway.delivery.notify.webhook import Webhook, key_of
from fairway.model.notify import Notification


def sinks(
    declared: Iterable[Notification], secret_of: SecretOf, clock: Callable[[], float]
) -> tuple[Sink, ...]:
    """The sinks of an environment; the same listener declared twice is told once."""
    made = [_sink(one, secret_of, clock) for one in declared]
    return tuple({sink.name: sink for sink in made if sink is not None}.values())


def _sink(one: Notification, secret_of: SecretOf, clock: Callable[[], float]) -> Sink | None:
    events = frozenset(one.events)
    if one.webhook is not None and one.secret is not None:
        name = one.secret
        return Webhook(one.webhook, lambda: key_of(value_of(secret_of, name)), events, clock)
    if one.slack is not None:
        return Slack(one.slack, events, secret_of)
    return NatsBus(one.bus, events) if one.bus is not None else None

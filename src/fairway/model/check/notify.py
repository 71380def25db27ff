"""Notifications: one kind of listener each, and webhooks are signed."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject, repeated
from fairway.model.names import did_you_mean
from fairway.model.notify import Notification
from fairway.model.places import Path

_KINDS = ("webhook", "slack", "bus")


def check_notify(subject: Subject) -> Iterator[Finding]:
    """Every listener can be reached, and can tell who writes to it."""
    if subject.environment is not None:
        return
    for name, environment in subject.app.environments.items():
        for index, notification in enumerate(environment.notify):
            path = ("environments", name, "notify", index)
            if subject.certain(*path):
                yield from _kind(notification, path)
            yield from _secrets(subject, notification, path)
            yield from repeated(notification.events, (*path, "events"), "event")


def _kind(notification: Notification, path: Path) -> Iterator[Finding]:
    chosen = [kind for kind in _KINDS if getattr(notification, kind) is not None]
    if len(chosen) != 1:
        yield Finding(
            path,
            "notify-kind",
            f"one notification for {' and '.join(chosen)}" if chosen else "nobody is notified",
            "give each its own: '- webhook: …', '- slack: …' or '- bus: …'",
        )
    elif (chosen == ["webhook"]) == (notification.secret is None):
        webhook = chosen == ["webhook"]
        yield Finding(
            path if webhook else (*path, "secret"),
            "notify-secret",
            "the webhook is not signed, so its receiver cannot tell who writes"
            if webhook
            else f"'secret' has no effect on {chosen[0]}: only webhooks are signed",
            "add 'secret: WEBHOOK_KEY' and set it with 'fairway secrets set WEBHOOK_KEY'"
            if webhook
            else "remove it",
        )


def _secrets(subject: Subject, notification: Notification, path: Path) -> Iterator[Finding]:
    declared = subject.app.secrets
    for key in ("secret", "slack"):
        secret: str | None = getattr(notification, key)
        if secret is not None and declared and secret not in declared:
            yield Finding(
                (*path, key),
                "unknown-secret",
                f"the secret '{secret}' is not in the app's list of secrets",
                did_you_mean(secret, declared, "add it to 'secrets:' at the top"),
            )

"""Hooks: each does exactly one thing, where it can, and has a name of its own."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject, unknown_service
from fairway.model.hooks import Hook, Hooks
from fairway.model.places import Path


def check_hooks(subject: Subject) -> Iterator[Finding]:
    """A command or a request each, of a service that exists."""
    if subject.environment is not None:
        return
    for name, environment in subject.app.environments.items():
        for phase in Hooks.model_fields:
            hooks: tuple[Hook, ...] = getattr(environment.hooks, phase)
            path = ("environments", name, "hooks", phase)
            yield from _names(hooks, path)
            for index, hook in enumerate(hooks):
                yield from _hook(subject, hook, (*path, index))


def _names(hooks: tuple[Hook, ...], path: Path) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, hook in enumerate(hooks):
        if hook.name in seen:
            yield Finding(
                (*path, index, "name"),
                "duplicate-hook",
                f"two hooks of this phase are called '{hook.name}'",
                "give each its own name: it is what the progress shows",
            )
        seen.add(hook.name)


def _hook(subject: Subject, hook: Hook, path: Path) -> Iterator[Finding]:
    if (hook.run is None) == (hook.http is None) and subject.certain(*path):
        both = hook.run is not None
        what = "both runs a command and sends a request" if both else "does nothing"
        remedy = "keep one of run and http" if both else "add 'run: <command>' or 'http: {url: …}'"
        yield Finding(path, "hook-action", f"the hook '{hook.name}' {what}", remedy)
    known = subject.names("services")
    if hook.service is not None and hook.service not in known:
        yield unknown_service(hook.service, known, (*path, "service"))
    elif hook.service is not None and hook.run is None:
        yield Finding(
            (*path, "service"),
            "hook-action",
            f"the hook '{hook.name}' runs no command, so it needs no service's folder",
            "remove 'service'",
            at_key=True,
        )

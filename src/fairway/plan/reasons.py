"""Why a service is replaced: everything that its running replicas depend on, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.plan.compare import differing, in_words
from fairway.plan.release import Json, ServiceRelease
from fairway.plan.releases import NO_PART_OF_A_REPLICA


def why_replaced(before: ServiceRelease, after: ServiceRelease) -> tuple[str, ...]:
    """Every reason, the ones about content first; empty exactly when the digests are equal."""
    return (
        *_artifact(before, after),
        *_declared(before.declared, after.declared),
        *_secrets(before, after),
    )


def _artifact(before: ServiceRelease, after: ServiceRelease) -> Iterator[str]:
    if before.artifact == after.artifact:
        return
    image, kind = after.declared.get("image"), after.declared.get("kind")
    if image is not None and image == before.declared.get("image"):
        yield f"the image '{image}' has other content"
    elif image is None:
        yield "its files changed" if kind == "static" else "its source changed"


def _declared(before: Json, after: Json) -> Iterator[str]:
    for found in differing(_of_replicas(before), _of_replicas(after)):
        key, _, rest = found.path.partition(".")
        name = f"{key} {rest}" if key in ("env", "image") and rest else found.path
        yield in_words(found, name)


def _of_replicas(declared: Json) -> Json:
    return {key: value for key, value in declared.items() if key not in NO_PART_OF_A_REPLICA}


def _secrets(before: ServiceRelease, after: ServiceRelease) -> Iterator[str]:
    if after.declared.get("library"):
        return
    for name in sorted(after.secrets.keys() | before.secrets.keys()):
        old, new = before.secrets.get(name), after.secrets.get(name)
        if old != new and name in _read(before) & _read(after):
            yield f"secret {name} {_version(new)}, was {old or 'not set'}"


def _read(release: ServiceRelease) -> frozenset[str]:
    return frozenset(release.declared.get("secrets", ()))


def _version(version: int | None) -> str:
    return "is no longer set" if version is None else f"has version {version}"


def replicas_of(declared: Json, running: int | None = None) -> int:
    """How many replicas should run; one that scales keeps what it has grown to."""
    if declared.get("replicas") is not None:
        return int(declared["replicas"])
    scale: Mapping[str, int] | None = declared.get("scale")
    if scale is None:
        return 1
    return max(scale["min"], min(running or 0, scale["max"]))


def replicas_text(count: int) -> str:
    """`1 replica`, `3 replicas`."""
    return f"{count} replica{'' if count == 1 else 's'}"

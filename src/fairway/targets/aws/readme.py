"""README.md of a rendered tree: what is in it, and the exact commands. Pure."""

from __future__ import annotations

from fairway.targets.aws.standing import Standing


def readme(standing: Standing) -> str:
    """Placeholder."""
    return f"# {standing.environment}\n"

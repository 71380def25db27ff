"""Reads the policy folder that the app file names: `*.cedar` and `*.test.yaml`.

The only part of policy validation and policy tests that touches the file system; called by the
command line and the control plane. File names in messages are relative to the app's folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fairway.errors import InvalidInput
from fairway.governance.cedar_text import Source, combine
from fairway.governance.generate import generate_policies
from fairway.model.app import App


@dataclass(frozen=True, slots=True)
class PolicyFolder:
    """What is in the folder: policies and their tests, each sorted by file name."""

    policies: tuple[Source, ...]
    tests: tuple[Source, ...]


def read_policies(app: App, app_folder: Path) -> PolicyFolder | None:
    """The declared folder's files, or None when the app file declares none.

    Raises InvalidInput when the folder is missing or a file cannot be read as UTF-8 text.
    """
    if app.policies is None:
        return None
    folder = app_folder / app.policies
    if not folder.is_dir():
        raise InvalidInput(
            "no-policy-folder",
            f"the app file names the policy folder {app.policies}, which does not exist",
            where=str(folder),
            remedy="create it, or remove 'policies:' to permit exactly the declared calls",
        )
    return PolicyFolder(
        tuple(_sources(app_folder, folder, "*.cedar")),
        tuple(_sources(app_folder, folder, "*.test.yaml")),
    )


def policies_text(app: App, folder: PolicyFolder | None) -> str:
    """The text that decides: the folder's policies, or the generated ones when there is none."""
    return generate_policies(app) if folder is None else combine(folder.policies)


def _sources(app_folder: Path, folder: Path, pattern: str) -> Iterator[Source]:
    for path in sorted(folder.rglob(pattern)):
        name = path.relative_to(app_folder).as_posix()
        try:
            yield Source(name, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(
                "unreadable-policy-file",
                f"the policy file cannot be read: {error}",
                where=name,
                remedy="check its permissions, and that it is UTF-8 text",
            ) from error

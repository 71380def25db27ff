"""The policies beside the app file, for `validate` and `policy`: reading and checking them."""

from __future__ import annotations

from fairway.governance.access import compile_access
from fairway.governance.generate import generate_policies
from fairway.model.views import environment_view
from fairway.workspace import Workspace


def policies_text(workspace: Workspace) -> str | None:
    """The text of every `*.cedar` in the policies folder; None when the app names no folder."""
    folder = workspace.loaded.app.policies
    if folder is None:
        return None
    files = sorted((workspace.folder / folder).glob("**/*.cedar"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def check_policies(workspace: Workspace, environment: str) -> None:
    """Raise InvalidAppFile with every problem of the policies."""
    view = environment_view(workspace.loaded.app, environment)
    compile_access(view, policies_text(workspace) or generate_policies(view))

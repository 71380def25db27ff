"""What the app beside the sidecar reads: policies, flags, settings, signing keys, secrets.

Files of the app, all 0600 (both containers run as the same user), each replaced atomically and only
when it differs, because the library takes a new file time for a new version:

    flags.json, policies.json, config.json     from the document
    identity/signing.json, verifying.json      from one secret of Secrets Manager
    secrets/NAME                               from one secret each
"""

from __future__ import annotations

import json
from pathlib import Path

from fairway_runtime.agent.cloud import Away, Cloud
from fairway_runtime.agent.documents import Document
from fairway_runtime.agent.writing import write

_KEYS = "identity"
_FOLDERS = ("secrets",)


class Handouts:
    """The folder of one app. Methods block."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self._cloud, self._folder = cloud, folder

    def hand_out(self, document: Document) -> None:
        """Make the folder hold exactly what a document says; Away when a secret is not there."""
        values = {file: self._cloud.secret(name) for file, name in document.secrets.items()}
        for file, content in document.files.items():
            write(self._folder / file, json.dumps(content, indent=1).encode())
        for file, value in values.items():
            self._write_secret(file, value)
        self._clear(document)

    def _write_secret(self, file: str, value: str) -> None:
        if file != _KEYS:
            write(self._folder / file, value.encode())
            return
        try:
            documents = json.loads(value)
            contents = {name: documents[name] for name in ("verifying.json", "signing.json")}
        except (ValueError, KeyError, TypeError):
            raise Away("the secret with the signing keys is damaged") from None
        # What verifies comes first: nobody signs by what cannot be verified yet.
        for name, content in contents.items():
            write(self._folder / file / name, json.dumps(content, indent=1).encode())

    def _clear(self, document: Document) -> None:
        """Secrets that are no longer its own go."""
        for name in _FOLDERS:
            folder = self._folder / name
            for path in folder.iterdir() if folder.is_dir() else ():
                if f"{name}/{path.name}" not in document.secrets:
                    path.unlink(missing_ok=True)

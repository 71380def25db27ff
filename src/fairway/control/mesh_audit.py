"""Brings what the mesh refused into the audit log, by following the sidecars' access logs.

The control plane runs one `MeshAudit`. It begins where the last one stopped (`mesh-cursor.json`):
what sidecars refused while no control plane ran is in their access logs, so that no denial is lost.
"""

from __future__ import annotations

import json
from pathlib import Path

from fairway.governance.mesh_denials import WRITER, mesh_denial
from fairway.targets.local.layout import StateDir, write_private
from fairway.targets.local.log_files import cut_away
from fairway_runtime.policy.audit import AuditWriter
from fairway_runtime.policy.engine import PolicyEngine

_SUFFIX = ".access.log"
_READ_AT_ONCE = 4 * 2**20


class MeshAudit:
    """Follows the access logs of one state folder."""

    def __init__(self, state: StateDir) -> None:
        self._logs = state.logs
        self._cursor = state.audit / "mesh-cursor.json"
        self._offsets = _read_offsets(self._cursor)
        self._writer = AuditWriter(state.audit, WRITER)

    def collect(self, engine: PolicyEngine) -> int:
        """Record the refusals since the last look; returns how many. `engine` is the active one."""
        assert engine.bundle is not None, "the engine of a running system has its bundle"
        found = 0
        for path in sorted(self._logs.glob(f"*{_SUFFIX}")):
            lines, offset = self._fresh_lines(path)
            for line in lines:
                entry = mesh_denial(line, engine.bundle, engine)
                if entry is not None:
                    self._writer.append(entry)
                    found += 1
            # Last: what could not be recorded is read again, better twice than never.
            self._offsets[path.name] = offset
        write_private(self._cursor, json.dumps(self._offsets).encode())
        return found

    def close(self) -> None:
        """Give the file up."""
        self._writer.close()

    def _fresh_lines(self, path: Path) -> tuple[list[str], int]:
        """Whole lines since the last look, also those that went with the end of a cut log, and
        where the next look begins.
        """
        offset = self._offsets.get(path.name, 0)
        missed = b""
        if path.stat().st_size < offset:
            missed = cut_away(path, offset)
            offset = 0
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(_READ_AT_ONCE)
        whole = data[: data.rfind(b"\n") + 1]
        # Not splitlines(): that splits at U+2028 too, which a caller may put into a request id.
        return (missed + whole).decode("utf-8", "replace").split("\n"), offset + len(whole)


def _read_offsets(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): int(offset) for name, offset in found.items()}

"""What people read when Envoy did not take a file."""

from __future__ import annotations

from pathlib import Path

from fairway.targets.local.mesh.confirming import EnvoyRejected


def test_a_port_that_was_taken_meanwhile_is_no_defect() -> None:
    said = "Error adding listener(s) gateway: cannot bind '127.0.0.1:8080': Address already in use"
    taken = EnvoyRejected("gateway", Path("lds.json"), said)
    assert "chooses anew" in taken.remedy
    assert "report" in EnvoyRejected("gateway", Path("lds.json"), "no such field").remedy

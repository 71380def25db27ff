"""The example on AWS by the command line alone: real Terraform, moto over HTTP, played tasks.

Two regions, two people: ada deploys, grace approves. Timings of all commands are printed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.aws.stage import Stage, server, stage, users
from tests.aws.terraform_rig import FIGURE, Recorder, Terraform

pytestmark = [
    pytest.mark.aws,
    pytest.mark.apply,
    pytest.mark.story,
    pytest.mark.xdist_group("aws-deploy-prod"),
]
DIFFERS = 2
"""Exit code of `plan` and of `drift` when something does."""
ROLLED_BACK = 3


@pytest.fixture
def on(
    terraform_configured: Terraform, tmp_path: Path, record_property: Recorder
) -> Iterator[Stage]:
    variables = dict(terraform_configured.environment)
    variables["FAIRWAY_TERRAFORM"] = terraform_configured.binary
    with stage(tmp_path, variables) as made:
        yield made
        for command, seconds in made.timings.items():
            record_property(FIGURE, f"{command}: {seconds:.1f} s")
    shutil.rmtree(tmp_path, ignore_errors=True)  # it holds links to a large program


def test_from_an_empty_account_to_drift_and_away(on: Stage) -> None:
    made = on.fairway("bootstrap", "prod", "--without-control-plane")
    assert "next: fairway deploy prod" in made
    with server(on), users(on):
        planned = on.fairway("plan", "prod", ok=(DIFFERS,))
        assert planned.index("start     orbit     r1") < planned.index("resources:")
        assert "cost, US dollars a month" in planned
        on.keep_secret("hush hush")
        on.delivered("deploy", "prod")

        on.edit()
        canary = on.delivered("deploy", "prod", "-m", "says more")
        steps = [canary.index(f"{share} % of new requests go to r2") for share in (5, 25, 50, 100)]
        assert steps == sorted(steps)

        bad = on.delivered("deploy", "prod", ok=ROLLED_BACK, FAULT="errors")
        assert "orbit" in bad
        on.delivered("rollback", "prod", "1")
        history = on.fairway("history", "prod")
        assert all(word in history for word in ("r1", "r2", "r3", "rolled", "says more"))
        assert "hush hush" not in history

        assert "everything is as it should be" in on.fairway("drift", "prod")
        tampered = on.tamper()
        assert f"eu-central-1/{tampered}" in on.fairway("drift", "prod", ok=(DIFFERS,))
        on.fairway("drift", "prod", "--fix", "--yes")

        assert "a month" in on.fairway("cost", "prod")
        on.fairway("eject", "prod", "--out", "ours")
        on.terraform_alone("ours")

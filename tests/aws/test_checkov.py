"""checkov on the rendered roots: nothing fails, and what is skipped is little and has its reason.

checkov is FAIRWAY_CHECKOV, else what `make checkov` set up, else on PATH; it downloads nothing.
Where there is none the test is skipped, with FAIRWAY_REQUIRE_CHECKOV=1 it fails.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.aws.hcl import INFRA, ROOT
from tests.aws.terraform_rig import FIGURE, Recorder
from tests.aws.world import APPS, render

SKIP = re.compile(r"#\s*checkov:skip=(CKV\w+)(?::(.*))?")
ALLOWED = 10


def checkov() -> str:
    own = ROOT / ".venv" / "checkov" / "bin" / "checkov"
    named = os.environ.get("FAIRWAY_CHECKOV") or (str(own) if own.is_file() else "checkov")
    found = shutil.which(named)
    if found is None:
        words = "NOT CHECKED BY CHECKOV: run `make checkov`, or name it: FAIRWAY_CHECKOV=/path"
        (pytest.fail if os.environ.get("FAIRWAY_REQUIRE_CHECKOV") else pytest.skip)(words)
    return found


def run(folder: Path) -> dict[str, Any]:
    """The report of checkov on a folder."""
    command = [checkov(), "--skip-download", "--framework", "terraform", "-d", str(folder)]
    done = subprocess.run(
        [*command, "--compact", "--quiet", "-o", "json"],
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def is_of_nothing(resource: str, tree: Path) -> bool:
    """Whether a finding is about a module of which the app has no instance, as without databases.

    checkov looks at it nevertheless, once, with `each.value` for a value, which it takes for false.
    Where there are instances their addresses have keys, and count.
    """
    kind = re.match(r"module\.(databases|caches|buckets|tables)\.", resource)
    values = "".join(file.read_text() for file in tree.glob("regions/*/data.auto.tfvars"))
    return kind is not None and not re.search(rf"^{kind[1]}\b", values, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("app", APPS)
def test_no_check_fails_on_a_rendered_environment(
    app: str, tmp_path: Path, record_property: Recorder
) -> None:
    checkov()  # before anything is rendered
    render(app, tmp_path / "out")
    report = run(tmp_path / "out")
    summary = report["summary"]
    failed = [
        f"{check['check_id']} {check['file_path']} {check['resource']}: {check['check_name']}"
        for check in report["results"]["failed_checks"]
        if not is_of_nothing(check["resource"], tmp_path / "out")
    ]
    counted = f"{summary['passed']} checks passed, {len(failed)} failed"
    record_property(FIGURE, f"checkov, {app}: {counted}, {summary['skipped']} skipped")
    assert not failed, "\n".join(failed)
    assert summary["parsing_errors"] == 0
    assert summary["passed"] > 500, "was everything read?"


def test_few_checks_are_skipped_each_with_its_reason() -> None:
    found = [
        (file.relative_to(INFRA), check, reason)
        for file in sorted(INFRA.rglob("*.tf"))
        for check, reason in SKIP.findall(file.read_text())
    ]
    for file, check, reason in found:
        assert len(reason.split()) >= 5, f"{file}: {check} is skipped without a reason"
    assert len(found) <= ALLOWED, "\n".join(f"{file} {check}" for file, check, _ in found)

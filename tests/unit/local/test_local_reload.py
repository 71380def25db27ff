"""Which services a change concerns: theirs, and nothing that tools write by themselves."""

import os
from pathlib import Path

import pytest

from fairway.targets.local.reload import changed_since, changes, concerned

WATCHED = {
    "axon": (Path("/app/axon"),),
    "orbit": (Path("/app/orbit/src"), Path("/app/shared.json")),
    "both": (Path("/app"),),
}


@pytest.mark.parametrize(
    ("path", "services"),
    [
        ("/app/axon/main.py", {"axon", "both"}),
        ("/app/axon/deep/er/template.html", {"axon", "both"}),
        ("/app/orbit/src/main.py", {"orbit", "both"}),
        ("/app/orbit/README.md", {"both"}),
        ("/app/shared.json", {"orbit", "both"}),
        ("/app/axonette/main.py", {"both"}),
        ("/elsewhere/main.py", set()),
        ("/app/axon/__pycache__/main.cpython-311.pyc", set()),
        ("/app/axon/main.pyc", set()),
        ("/app/axon/.git/index", set()),
        ("/app/axon/.venv/lib/x.py", set()),
        ("/app/axon/node_modules/x/index.js", set()),
        ("/app/.fairway/local/ledger.json", set()),
        ("/app/axon/.main.py.swp", set()),
        ("/app/axon/main.py~", set()),
        ("/app/axon/out.log", set()),
    ],
)
def test_whom_a_change_concerns(path, services):
    assert concerned(WATCHED, [Path(path)]) == services


def test_a_folder_inside_an_ignored_one_can_be_watched_on_purpose():
    watched = {"a": (Path("/app/node_modules/mine"),)}
    assert concerned(watched, [Path("/app/node_modules/mine/index.js")]) == {"a"}


async def test_nothing_to_watch_ends_at_once(tmp_path):
    assert [found async for found in changes({"a": (tmp_path / "nowhere",)})] == []


def test_what_is_younger_than_a_moment(tmp_path):
    for name in ("main.py", "__pycache__/main.pyc", "node_modules/x/index.js", "deep/er/a.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.utime(file, (100.0, 100.0))
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert not changed_since([tmp_path, tmp_path / "nowhere"], 100.0)
    assert changed_since([tmp_path], 99.0)
    os.utime(tmp_path / "__pycache__/main.pyc", (200.0, 200.0))
    os.utime(tmp_path / "node_modules/x/index.js", (200.0, 200.0))
    assert not changed_since([tmp_path], 100.0)
    os.utime(tmp_path / "deep/er/a.txt", (200.0, 200.0))
    assert changed_since([tmp_path], 100.0)
    assert changed_since([tmp_path / "deep/er/a.txt"], 100.0)
    assert not changed_since([tmp_path / "main.py"], 100.0)

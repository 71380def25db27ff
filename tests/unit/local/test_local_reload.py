"""Which services a change concerns: theirs, and nothing that tools write by themselves."""

from pathlib import Path

import pytest

from fairway.targets.local.reload import changes, concerned

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

"""Finding and reading an app on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.errors import InvalidAppFile, InvalidInput, NotFound
from fairway.workspace import open_workspace

APP = 'app: shop\nservices:\n  web: {run: x, health: /health, env: {A: "${A:-none}"}}\n'


def value(path: Path, variables: dict[str, str] | None = None, environment: str = "local") -> str:
    workspace = open_workspace(path, environment, variables or {})
    return workspace.loaded.app.services["web"].env["A"]


def test_the_file_its_folder_or_any_folder_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_file = tmp_path / "fairway.yaml"
    app_file.write_text(APP)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    for path in (app_file, tmp_path, None):
        workspace = open_workspace(path, variables={})
        assert workspace.app_file == app_file.resolve()
        assert workspace.folder == tmp_path.resolve()


def test_a_folder_that_was_named_is_not_left(tmp_path: Path) -> None:
    (tmp_path / "fairway.yaml").write_text(APP)
    (tmp_path / "a").mkdir()
    with pytest.raises(NotFound) as caught:
        open_workspace(tmp_path / "a", variables={})
    assert "fairway init" in caught.value.remedy


def test_none_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound):
        open_workspace(None, variables={})


def test_the_nearer_source_of_a_variable_wins(tmp_path: Path) -> None:
    (tmp_path / "fairway.yaml").write_text(APP)
    assert value(tmp_path) == "none"
    (tmp_path / ".env").write_text("A=shared")
    assert value(tmp_path) == "shared"
    (tmp_path / ".env.prod").write_text("A=prod")
    assert value(tmp_path) == "shared"
    assert value(tmp_path, environment="prod") == "prod"
    assert value(tmp_path, {"A": "process"}, "prod") == "process"


def test_variables_are_not_in_the_repr(tmp_path: Path) -> None:
    (tmp_path / "fairway.yaml").write_text(APP)
    (tmp_path / ".env").write_text("TOKEN=s3cret")
    workspace = open_workspace(tmp_path, variables={})
    assert workspace.variables["TOKEN"] == "s3cret"
    assert "s3cret" not in repr(workspace)


def test_problems_of_all_env_files_at_once(tmp_path: Path) -> None:
    (tmp_path / "fairway.yaml").write_text(APP)
    (tmp_path / ".env").write_text("nonsense")
    (tmp_path / ".env.local").write_text("A='open")
    with pytest.raises(InvalidAppFile) as caught:
        open_workspace(tmp_path, variables={})
    assert [problem.where for problem in caught.value.problems] == [".env:1:1", ".env.local:1:3"]


def test_extends_reads_beside_the_app_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(APP)
    (tmp_path / "fairway.yaml").write_text("extends: base.yaml\napp: other\n")
    assert open_workspace(tmp_path, variables={}).loaded.app.app == "other"


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "fairway.yaml").write_bytes(b"app: \xff\n")
    with pytest.raises(InvalidInput) as caught:
        open_workspace(tmp_path, variables={})
    assert caught.value.code == "not-utf-8"
    assert caught.value.where.endswith("fairway.yaml")


def test_a_base_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "fairway.yaml").write_text("extends: base\n" + APP)
    with pytest.raises(InvalidAppFile) as caught:
        open_workspace(tmp_path, variables={})
    assert "cannot be read" in caught.value.message

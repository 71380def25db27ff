"""Loading: places, bases, variables, YAML's corners, and speed."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
import yaml

from fairway.errors import InvalidAppFile, Problem
from fairway.model.load import LoadedApp, load_app

HEAD = "app: shop\nservices:\n  web: {run: x, health: /health}\n"


def load(
    text: str,
    variables: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    name: str = "fairway.yaml",
) -> LoadedApp:
    def read(path: str) -> str:
        if files is None or path not in files:
            raise FileNotFoundError(path)
        return files[path]

    return load_app(name, text, read=read, variables=variables or {})


def problems(
    text: str, variables: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None
) -> list[Problem]:
    with pytest.raises(InvalidAppFile) as caught:
        load(text, variables, files)
    return list(caught.value.problems)


class TestPlaces:
    def test_of_keys_values_and_what_is_not_written(self) -> None:
        loaded = load(HEAD + "clients:\n  phone:\n    calls: {}\n")
        assert loaded.locations[("app",)] == ("fairway.yaml", 1, 6)
        assert loaded.locations[("services", "web")] == ("fairway.yaml", 3, 3)
        assert loaded.place(("services", "web", "health", "interval")).column == 25
        assert loaded.place(("environments", "local")) == ("fairway.yaml", 1, 1)

    def test_of_a_base_are_in_the_base(self) -> None:
        loaded = load("extends: b.yaml\napp: shop\n", files={"b.yaml": HEAD.split("\n", 1)[1]})
        assert loaded.locations[("services", "web", "run")] == ("b.yaml", 2, 14)
        assert loaded.locations[("app",)].file == "fairway.yaml"

    def test_count_characters_not_bytes(self) -> None:
        (problem,) = problems('app: "é😀" # é\n' + HEAD.split("\n", 1)[1])
        assert (problem.line, problem.column) == (1, 6)

    def test_with_a_byte_order_mark_and_windows_line_ends(self) -> None:
        (problem,) = problems("\ufeff" + HEAD.replace("\n", "\r\n") + "slos: 1\r\n")
        assert (problem.line, problem.column) == (4, 7)


class TestBases:
    def test_paths_are_relative_to_the_file_that_extends(self) -> None:
        files = {"bases/a.yaml": "extends: b.yaml\n", "bases/b.yaml": HEAD}
        loaded = load("extends: bases/a.yaml\n", files=files, name="apps/shop/fairway.yaml")
        assert loaded.locations[("app",)].file == "apps/shop/bases/b.yaml"

    def test_later_bases_win_and_the_file_wins_over_them(self) -> None:
        files = {
            "a.yaml": "services: {web: {replicas: 1, run: a, port: 1}}\n",
            "b.yaml": "services: {web: {replicas: 2, run: b}}\n",
        }
        loaded = load(
            "extends: [a.yaml, b.yaml]\napp: x\nservices: {web: {replicas: 3}}", files=files
        )
        web = loaded.app.services["web"]
        assert (web.replicas, web.run, web.port) == (3, "b", 1)

    @pytest.mark.parametrize(
        ("base", "over", "key", "expected"),
        [
            ("health: /a", "health: {interval: 5s}", "health", ("/a", 5.0)),
            ("health: {interval: 5s}", "health: /a", "health", ("/a", 5.0)),
        ],
    )
    def test_short_and_long_forms_merge(
        self, base: str, over: str, key: str, expected: tuple[str, float]
    ) -> None:
        text = f"extends: b.yaml\napp: x\nservices: {{web: {{{over}}}}}"
        health = load(text, files={"b.yaml": f"services: {{web: {{run: x, {base}}}}}"})
        found = health.app.services["web"].health
        assert (found.path, found.interval) == expected

    def test_the_same_base_by_two_ways_is_no_circle(self) -> None:
        files = {"a.yaml": "extends: c.yaml", "b.yaml": "extends: c.yaml", "c.yaml": HEAD}
        assert load("extends: [a.yaml, b.yaml]", files=files).app.app == "shop"

    def test_endless_bases_end(self) -> None:
        with pytest.raises(InvalidAppFile) as caught:
            load_app(
                "0.yaml",
                "extends: 1.yaml",
                read=lambda path: f"extends: {int(path[:-5]) + 1}.yaml",
                variables={},
            )
        assert any("extends more than" in problem.message for problem in caught.value.problems)

    def test_a_base_that_is_not_text(self) -> None:
        def read(path: str) -> str:
            return b"\xff".decode("utf-8")

        with pytest.raises(InvalidAppFile) as caught:
            load_app("fairway.yaml", "extends: b.yaml\n" + HEAD, read=read, variables={})
        assert "is not UTF-8 text" in caught.value.message


class TestVariables:
    def env(self, value: str, variables: Mapping[str, str]) -> str:
        text = HEAD.replace("health: /health", f"health: /health, env: {{A: {value}}}")
        return load(text, variables).app.services["web"].env["A"]

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ('"${X}"', "1"),
            ('"<${X}${X}>"', "<11>"),
            ('"${NO:-d}"', "d"),
            ('"${NO:-}"', ""),
            ('"${EMPTY:-d}"', "d"),
            ('"${EMPTY}"', ""),
            ('"$${X}"', "${X}"),
            ('"$$$${X}"', "$${X}"),
            ("$X", "$X"),
            ("'$'", "$"),
            ('"${YAML}"', "[a, b]: c"),
            ('"${NESTED}"', "${X}"),
        ],
    )
    def test_forms(self, written: str, expected: str) -> None:
        variables = {"X": "1", "EMPTY": "", "YAML": "[a, b]: c", "NESTED": "${X}"}
        assert self.env(written, variables) == expected

    def test_run_is_left_to_the_replica(self) -> None:
        run = "serve ${PORT} $PORT $$ ${NOPE:-1}"
        loaded = load(f"app: x\nservices:\n  web: {{health: /h, run: '{run}'}}\n", {"PORT": "1"})
        assert loaded.app.services["web"].run == run

    def test_stand_for_numbers_and_flags(self) -> None:
        web = 'run: x, health: /h, port: "${P}", library: "${L:-true}", resources: {cpu: "${C}"}'
        loaded = load(f"app: x\nservices: {{web: {{{web}}}}}", {"P": "81", "C": "0.5"})
        service = loaded.app.services["web"]
        assert (service.port, service.library, service.resources.cpu) == (81, True, 0.5)

    def test_a_variable_only_in_an_overridden_value_may_be_unset(self) -> None:
        files = {"b.yaml": HEAD.replace("run: x", 'run: x, image: "${NOPE}"')}
        text = "extends: b.yaml\nservices: {web: {image: null}}"
        assert load(text, files=files).app.services["web"].image is None

    def test_no_value_in_an_error(self) -> None:
        for written in ("port: ${S}", "kind: ${S}", "health: ${S}", "intents: {a: '${S}'}"):
            text = f"app: x\nservices:\n  web:\n    run: x\n    {written}\n"
            for problem in problems(text, {"S": "s3cret value"}):
                assert "s3cret" not in problem.message + problem.remedy


class TestYaml:
    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("yes", "yes"), ("NO", "NO"), ("true", True), ("0o17", 15), ("017", 17), ("0x1F", 31),
            ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("1e3", 1000.0), (".5", 0.5), ("~", None),
            ("2026-11-21", "2026-11-21"), ("'5'", "5"), ("!!str a", "a"), ("9" * 30, "9" * 30),
            (".inf", ".inf"), ("-", "-"), ("+1", 1), ("1.", 1.0),
        ],
    )  # fmt: skip
    def test_plain_values_follow_version_1_2(self, written: str, value: object) -> None:
        text = HEAD.replace("health: /health", f"health: /health, config: {{a: {written}}}")
        found = load(text).app.services["web"].config["a"]
        assert found == value
        assert type(found) is type(value)

    def test_env_is_the_text_that_was_written(self) -> None:
        env = "{A: 1.10, B: TRUE, C: 0x1F, D: 007, E: NO, F: 1e3}"
        text = HEAD.replace("health: /health", f"health: /health, env: {env}")
        values = load(text).app.services["web"].env.values()
        assert list(values) == ["1.10", "TRUE", "0x1F", "007", "NO", "1e3"]

    def test_merge_keys_are_below_what_stands_there(self) -> None:
        text = (
            "app: shop\nservices:\n  a: &a {run: a, health: /a}\n  b: &b {run: b, port: 1}\n"
            "  c: {<<: [*a, *b], health: /c, port: 2}\n"
        )
        service = load(text).app.services["c"]
        assert (service.run, service.health.path, service.port) == ("a", "/c", 2)

    @pytest.mark.parametrize(
        "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "&a [*a," * 9]
    )
    def test_depth_is_bounded(self, text: str) -> None:
        assert problems(text)

    def test_a_file_of_bytes_that_are_no_text(self) -> None:
        text = bytes(range(256)).decode("latin-1") * 40
        assert {problem.code for problem in problems(text)} == {"control-character"}
        assert len(problems(text)) == 20


def app_of(services: int, callee: str = "s{previous}") -> str:
    service = (
        "  s{i}:\n    build: services/s{i}\n    run: uvicorn s.main:app --port $PORT\n"
        "    health: /health\n    library: true\n    intents: {{reason: POST /reason}}\n"
        "    resources: {{cpu: 0.25, memory: 512Mi}}\n    secrets: [KEY_{i}]\n"
        "    scale: {{min: 2, max: 10, cpu: 60}}\n    calls: {{" + callee + ": [reason]}}\n"
        '    env: {{LEVEL: "${{LEVEL:-info}}"}}\n'
    )
    parts = (service.format(i=i, previous=(i - 1) % services) for i in range(services))
    return "app: large\nservices:\n" + "".join(parts)


def seconds(action: object, *arguments: object) -> float:
    """The best of three, for what else the machine does in between."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        assert callable(action)
        action(*arguments)
        best = min(best, time.perf_counter() - started)
    return best


class TestSpeed:
    def test_500_services_load_in_a_small_multiple_of_parsing_them(self) -> None:
        text = app_of(500)
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        parsing = seconds(lambda: yaml.compose(text, Loader=loader))
        loading = seconds(load, text)
        print(f"500 services: compose {parsing:.3f} s, load {loading:.3f} s")
        assert loading < 15 * parsing

    def test_500_wrong_names_are_as_cheap(self) -> None:
        right, wrong = app_of(500), app_of(500, callee="sx{previous}y")
        loading = seconds(load, right)
        failing = seconds(problems, wrong)
        print(f"500 services: valid {loading:.3f} s, 500 unknown callees {failing:.3f} s")
        assert len(problems(wrong)) == 500
        assert failing < 30 * loading

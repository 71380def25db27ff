"""The difference of two releases."""

from __future__ import annotations

from typing import Any

from fairway.model.app import App
from fairway.plan.difference import difference
from fairway.plan.release import Release
from fairway.plan.releases import content_digest, release_content


def release(
    number: int, services: dict[str, Any], policies: tuple[int, str], **app: Any
) -> Release:
    made = App.model_validate({"app": "shop", "services": services, **app})
    content = release_content(made, {"web": f"artifact {number}"}, {}, *policies)
    return Release(number, content_digest(content), content, "ada", 0.0)


WEB = {"run": "x", "health": "/health", "public": "/"}
ONE = release(1, {"web": WEB, "old": {"run": "x"}, "more": {"run": "x"}}, (1, "one"))
FOUR = release(
    4,
    {"web": {**WEB, "env": {"A": "1"}}, "new": {"run": "x"}, "more": {"run": "x", "replicas": 3}},
    (2, "two"),
    flags={"beta": {"percent": 5}},
)
FOUND = difference(ONE, FOUR, ("permit a;\n", "permit a;\npermit b;\n"), environment="local")


def test_every_change_is_named_with_its_reasons() -> None:
    assert [(c.kind, c.subject, c.before, c.after, c.reasons) for c in FOUND.changes] == [
        ("scale", "more", "1 replica", "3 replicas", ()),
        ("start", "new", "", "r4", ("not in r1",)),
        ("stop", "old", "r1", "", ("not in r4",)),
        ("replace", "web", "r1", "r4", ("its source changed", "env A: none → '1'")),
        ("configuration", "flags.beta", "", "declared", ("new",)),
        ("policies", "policies", "policy set 1", "policy set 2",
         ("the text of the policies changed",)),
    ]  # fmt: skip


def test_the_lines_are_a_unified_diff_of_what_was_declared() -> None:
    lines = FOUND.lines.splitlines()
    assert [line for line in lines if line.startswith(("---", "+++"))] == [
        "--- r1/fairway.yaml",
        "+++ r4/fairway.yaml",
        "--- r1/policies.cedar",
        "+++ r4/policies.cedar",
    ]
    changed = [line for line in lines if line[0] in "+-" and line[1] not in "+-"]
    assert changed == [
        "+    env:",
        "+      A: '1'",
        "-  old:",
        "+  new:",
        "+    replicas: 3",
        "+flags:",
        "+  beta:",
        "+    percent:",
        "+      'on': 5.0",
        "+permit b;",
    ]


def test_a_release_does_not_differ_from_itself() -> None:
    found = difference(ONE, ONE, ("x", "x"), environment="local")
    assert (found.changes, found.lines) == ((), "")


def test_the_way_back_is_the_difference_too() -> None:
    back = difference(FOUR, ONE, ("", ""), environment="local")
    assert {(c.kind, c.subject) for c in back.changes} == {
        (
            {"start": "stop", "stop": "start"}.get(c.kind, c.kind),
            c.subject,
        )
        for c in FOUND.changes
    }

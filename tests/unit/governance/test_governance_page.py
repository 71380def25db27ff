"""The how-to page on policies: its app, its policies and its policy tests fit together."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from fairway.governance.cedar_text import Source, combine
from fairway.governance.testing import run_policy_tests
from fairway.governance.validation import validate
from fairway.model.app import App
from fairway_runtime.policy.engine import CONTEXT

PAGE = (Path(__file__).parents[3] / "docs/how-to/write-policies.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_pages_policies_are_valid_and_pass_the_pages_tests() -> None:
    declared, cases = blocks("yaml")
    app = App.model_validate(yaml.safe_load(declared))
    source = Source("policies/orders.cedar", *blocks("cedar"))
    assert validate(app, [source]).problems == ()
    report = run_policy_tests(app, "local", combine([source]), [Source("orders.test.yaml", cases)])
    assert [result.problem for result in report.results] == ["", "", ""]
    assert report.passed


def test_the_page_names_every_context_key() -> None:
    table = PAGE.partition("| key | type |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) >= set(CONTEXT)

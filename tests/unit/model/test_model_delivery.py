"""The keys about delivery: short forms, defaults, and what is left as it was written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from fairway.errors import InvalidAppFile
from fairway.model.app import App
from fairway.model.environments import Environment
from fairway.model.flags import FeatureFlag
from fairway.model.load import load_app
from fairway.model.strategies import Rolling


def environment(variables: dict[str, str] | None = None, **keys: Any) -> Environment:
    app = {"app": "shop", "services": {"web": {"run": "x"}}, "environments": {"prod": keys}}
    return load(yaml.safe_dump(app), variables).environments["prod"]


def load(text: str, variables: dict[str, str] | None = None, base: str = "") -> App:
    return load_app("fairway.yaml", text, read=lambda path: base, variables=variables or {}).app


def test_without_a_word_it_is_rolling_and_asks_nobody() -> None:
    plain = environment()
    assert plain.strategy.settled.model_dump(exclude_none=True) == {
        "rolling": Rolling().model_dump()
    }
    assert (plain.approvals.count, plain.windows, plain.retention) == (0, (), 50)


def test_a_number_of_approvals_is_short_for_their_count() -> None:
    assert environment(approvals=2).approvals.roles == ("approver", "admin")
    assert environment(approvals={"count": 2}) == environment(approvals=2)
    assert environment({"N": "3"}, approvals="${N}").approvals.count == 3


def test_a_short_form_is_merged_into_a_long_one() -> None:
    base = "environments: {prod: {approvals: {roles: [admin]}}}"
    text = "{extends: b, app: a, services: {w: {run: x}}, environments: {prod: {approvals: 2}}}"
    approvals = load(text, base=base).environments["prod"].approvals
    assert (approvals.count, approvals.roles) == (2, ("admin",))


def test_days_and_times_need_no_quotes() -> None:
    text = """\
app: shop
services: {web: {run: x}}
environments:
  prod:
    windows: [{days: [mon], from: 09:00, to: 17:30}]
    freezes: [{from: 2026-12-20, to: 2026-12-31}]
"""
    prod = load(text).environments["prod"]
    assert (prod.windows[0].start, prod.windows[0].end) == ("09:00", "17:30")
    assert (prod.freezes[0].start, prod.freezes[0].end) == ("2026-12-20", "2026-12-31")


def test_the_command_of_a_hook_is_left_as_it_was_written() -> None:
    hook = {"name": "migrate", "run": "echo $HOME ${TO} $$"}
    (found,) = environment(hooks={"pre_deploy": [hook]}).hooks.pre_deploy
    assert found.run == "echo $HOME ${TO} $$"


def test_a_status_may_be_a_number() -> None:
    asked = {"name": "a", "http": {"url": "http://127.0.0.1/", "expect": 204}}
    (found,) = environment(hooks={"pre_shift": [asked]}).hooks.pre_shift
    assert found.http is not None
    assert found.http.expect == "204"


def test_a_flag_is_on_or_off_unless_it_says_otherwise() -> None:
    flag = FeatureFlag.model_validate({"percent": 20, "header": {"x-beta": "1"}})
    assert flag.variants == {"on": True, "off": False}
    assert flag.percent == {"on": 20.0}
    assert flag.header == {"x-beta": {"1": "on"}}


def test_a_python_name_is_no_key() -> None:
    with pytest.raises(ValidationError):
        Environment.model_validate({"freezes": [{"start": "2026-12-20", "end": "2026-12-31"}]})


def test_everything_about_delivery_survives_json() -> None:
    whole = environment(
        strategy={"canary": {"sticky": "header:x-user"}},
        approvals=1,
        windows=[{"from": "09:00", "to": "10:00"}],
        freezes=[{"from": "2026-12-20", "to": "2026-12-31"}],
        hooks={"post_shift": [{"name": "a", "run": "x"}]},
        notify=[{"slack": "SLACK_URL"}],
        flags={},
    )
    assert Environment.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize("url", ["ftp://x", "http://", "https://user@x", "https://x/#a", "x.com"])
def test_an_address_is_one_of_http(url: str) -> None:
    with pytest.raises(InvalidAppFile):
        environment(server=url)

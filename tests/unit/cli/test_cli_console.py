"""`fairway console` and what `up` says of it: a link that logs in once."""

from __future__ import annotations

import json

import httpx2
from tests.unit.api.fake_control import MemoryControl
from tests.unit.cli.cli_driver import CommandLine

from fairway.targets.local.layout import StateDir


def test_the_link_logs_in_once(control: MemoryControl, fairway: CommandLine) -> None:
    link = fairway("console", "--print").out.strip()
    with httpx2.Client(headers={"accept": "text/html"}) as browser:
        answer = browser.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert browser.get(link.partition("/login")[0]).status_code == 200
    assert httpx2.get(link, headers={"accept": "text/html"}).status_code == 401


def test_each_link_is_a_fresh_one(control: MemoryControl, fairway: CommandLine) -> None:
    links = {fairway("console", "--json").json["url"] for _ in range(2)}
    assert len(links) == 2


def test_up_names_the_console(control: MemoryControl, fairway: CommandLine) -> None:
    shown = fairway("up")
    assert "console  http://127.0.0.1:" in shown.out
    line = json.loads(fairway("up", "--json").out.splitlines()[-1])
    assert httpx2.get(line["console_url"]).status_code == 303


def test_without_a_system_there_is_no_console(fairway: CommandLine) -> None:
    done = fairway("console", "--print")
    assert done.code == 5
    assert not StateDir(fairway.folder).control.exists()

"""The console of `fairway server`: people with roles, and a deployment that waits for one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.rig import PHONE, visiting
from tests.e2e.server_rig import ENV, ended, first_token, serving, shop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("system")]


HARM = "<img src=harm onerror=alert(1)>"


def test_somebody_else_approves_a_deployment(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, f"sqlite:///{tmp_path}/server.db") as server:
        with server.client(first_token(tmp_path)) as admin:
            dan, abe = (
                admin.post("/api/v1/tokens", json={"name": name, "role": role}).json()["token"]
                for name, role in (("dan", "deployer"), ("abe", "approver"))
            )
        with server.client(dan) as client:
            wish = {"app": shop("one", approvals=1), "note": HARM}
            waiting = client.post(f"{ENV}/deployments", json=wish).json()["id"]
            with visiting(browser, server.url) as visitor:
                visitor.expected.append("401")
                page = visitor.open("/deployments")
                page.get_by_label("Token").fill("wrong")
                page.get_by_role("button", name="Log in").click()
                expect(page.get_by_role("alert")).to_be_visible()
                page.get_by_label("Token").fill(abe)
                page.get_by_role("button", name="Log in").click()
                expect(page.get_by_role("link", name="Overview")).to_have_count(0)
                page.locator(".under-way").get_by_role("link").first.click()
                assert visitor.serious_violations() == []
                expect(page.get_by_text(HARM).first).to_be_visible()
                page.get_by_role("button", name="Approve").click()
                expect(page.locator("#deployment-head")).to_contain_text(
                    re.compile("serves everything")
                )
                page.set_viewport_size(PHONE)
                assert visitor.scrolls_sideways() == []
            found = ended(client, waiting)
    assert found["status"] == "succeeded"
    assert [each["by"] for each in found["approvals"]] == ["abe"]

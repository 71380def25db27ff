"""Every page in a real browser: accessible, in light and dark, on a phone, light, and harmless.

`visitor` asserts for each test that no page wrote an error, was refused something by its
Content-Security-Policy, asked another host, or failed.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.console_system import console_of, token_of
from tests.browser.rig import PHONE, Visitor, log_in, visiting
from tests.driver import Driver

pytestmark = [pytest.mark.browser, pytest.mark.envoy, pytest.mark.xdist_group("system")]

PAGES = (
    "/services",
    "/services/orbit",
    "/logs?access=1",
    "/traces",
    "/metrics?service=orbit",
    "/metrics/custom",
    "/metrics/processes",
    "/deployments",
    "/deployments/releases",
    "/",
    "/policies",
    "/policies/1",
    "/policies/edit",
    "/policies/tests",
    "/policies/audit?verdict=deny",
    "/policies/simulate?kind=Service&name=orbit&service=axon&intent=reason",
    "/explorer?service=orbit",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_in_light_and_dark_and_fits_a_phone(
    visitor: Visitor, path: str
) -> None:
    page = visitor.open(path)
    page.locator("h1").first.wait_for()
    assert visitor.serious_violations() == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    assert visitor.serious_violations() == []
    assert visitor.scrolls_sideways() == []


def test_the_first_page_is_light(visitor: Visitor) -> None:
    weights = visitor.weigh()
    page = visitor.open("/")
    page.locator("#topology").wait_for()
    assert 0 < sum(weights) <= 250_000


def test_errors_and_the_login_are_pages_too(visitor: Visitor) -> None:
    visitor.expected.append("404")
    page = visitor.open("/services/nobody")
    assert "there is no service" in page.locator("main").inner_text()
    assert visitor.serious_violations() == []
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Log in").wait_for()
    assert visitor.serious_violations() == []


def test_without_scripts_forms_still_work(browser: Browser, system: Driver) -> None:
    with visiting(browser, console_of(system), java_script_enabled=False) as visitor:
        log_in(visitor, token_of(system))
        page = visitor.open("/explorer?service=orbit")
        page.get_by_label("prompt").fill("And without?")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("allowed 200")).to_be_visible()
        expect(page.get_by_label("prompt")).to_have_value("And without?")

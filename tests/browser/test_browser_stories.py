"""What people come to the console for, from the first click to the last, on a real system.

The stories share one system and leave it as they found it, so that any of them can run alone.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.console_system import begun, loaded, use
from tests.browser.rig import PATIENCE, Visitor
from tests.driver import Driver

pytestmark = [pytest.mark.browser, pytest.mark.envoy, pytest.mark.xdist_group("system")]


def test_the_printed_link_logs_in_once(visitor: Visitor, system: Driver) -> None:
    link = system.json("console")["url"].removeprefix(visitor.base)
    visitor.page.context.clear_cookies()
    expect(visitor.open("/").get_by_role("heading", name="Log in")).to_be_visible()
    expect(visitor.open(link).get_by_role("heading", name="axon-orbit")).to_be_visible()
    visitor.page.context.clear_cookies()
    visitor.expected.append("401")
    expect(visitor.open(link).get_by_text("used already")).to_be_visible()


def test_the_overview_is_live(visitor: Visitor, system: Driver) -> None:
    page = visitor.open("/")
    before = page.locator("#topology").inner_text()
    page.evaluate("window.same = true")
    use(system, 5)
    expect(page.locator("#topology")).not_to_have_text(before, use_inner_text=True)
    expect(page.locator("#topology")).to_contain_text("denied")
    assert page.evaluate("window.same"), "it was not loaded again"


def test_from_the_topology_to_a_trace_to_its_log_line(visitor: Visitor, system: Driver) -> None:
    use(system, 3)
    page = visitor.open("/")
    page.get_by_role("link", name=re.compile("orbit to axon")).first.click()
    expect(page).to_have_url(re.compile(r"/metrics\?.*service=axon"))
    page.get_by_role("link", name="Traces of axon").click()
    whole = page.locator("tr", has_text="orbit").filter(has_text="axon")
    whole.first.get_by_role("link").first.click()
    hops = page.get_by_role("list").filter(has=page.locator(".hop"))
    hops.get_by_role("link", name=re.compile("^axon")).last.click()
    details = page.locator("#span")
    expect(details).to_contain_text("axon")
    details.get_by_role("link", name="All logs of the trace").click()
    line = page.locator("#records").get_by_text("reasoned").first
    expect(line).to_be_visible()
    line.click()
    page.locator(".body").get_by_role("link", name="Trace").first.click()
    expect(page).to_have_url(re.compile("/traces/"))


def test_a_call_from_the_explorer_leads_to_its_trace(visitor: Visitor) -> None:
    page = visitor.open("/explorer?service=orbit")
    expect(page.get_by_label("Call as")).to_have_value("web")
    page.get_by_label("prompt").fill("Where does it go?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("allowed 200")).to_be_visible()
    expect(page.get_by_role("region", name="Body")).to_contain_text('"words": 4')
    page.get_by_role("link", name="Trace").last.click()
    expect(page.locator(".hop").filter(has_text="axon").first).to_be_visible()


def test_anyone_may_do_what_the_gateway_opens(visitor: Visitor) -> None:
    page = visitor.open("/explorer?service=orbit&identity=public")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("allowed 200")).to_be_visible()
    page.get_by_role("link", name="Log lines").click()
    expect(page.locator("#records")).to_contain_text("dispatched")


def test_a_denied_call_is_shown_with_its_reason(visitor: Visitor) -> None:
    page = visitor.open("/explorer?service=axon&operation=POST+/reason&identity=intruder")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("denied 403")).to_be_visible()
    expect(page.get_by_text("declares no call of client intruder to axon")).to_be_visible()


def test_a_canary_that_fails_is_watched_going_back(visitor: Visitor, system: Driver) -> None:
    page = visitor.open("/deployments")
    with loaded(system, 40):
        deploying = begun(system, "deploy", "local", FAULT="errors")
        running = page.locator(".under-way").get_by_role("link").first
        running.click()
        seen_side_by_side(page)
        expect(page.locator("#deployment-head")).to_contain_text(
            re.compile("rolled back"), timeout=2 * PATIENCE
        )
        out, _ = deploying.communicate(timeout=60)
    assert deploying.returncode == 3, out
    expect(page.locator(".verdict, .reason").first).to_contain_text("worse")
    expect(page.locator("#deployment-events")).to_contain_text("no more new requests")


def seen_side_by_side(page: Page) -> None:
    """Both versions with their numbers, live."""
    both = page.get_by_role("region", name="orbit: both versions")
    expect(both.locator(".side-of.new")).to_be_visible()
    expect(both.locator(".side-of.old")).to_be_visible()


def test_a_stopped_service_is_missed_until_it_is_started(visitor: Visitor) -> None:
    page = visitor.open("/services/axon")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#service-head")).to_contain_text("stopped")
    page.get_by_role("link", name="API explorer").click()
    page.get_by_role("link", name="orbit").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text(re.compile("failed 50"))).to_be_visible()
    visitor.open("/services").get_by_role("row", name=re.compile("axon")).get_by_role(
        "button", name="Start"
    ).click()
    expect(page.get_by_role("row", name=re.compile("axon.*healthy"))).to_be_visible()
    visitor.open("/explorer?service=orbit").get_by_role("button", name="Send").click()
    expect(page.get_by_text(re.compile("(allowed|failed) "))).to_be_visible()


def test_variables_are_shown_and_secrets_are_not(visitor: Visitor) -> None:
    page = visitor.open("/services/axon")
    page.get_by_role("link", name="Show variables").click()
    variables = page.locator("#environment")
    expect(variables).to_contain_text("FAIRWAY_METRICS")
    expect(variables).to_contain_text("AXON_MODEL_KEY")
    assert "a key for tests" not in page.content()


def test_an_edited_policy_denies_the_next_call(visitor: Visitor) -> None:
    page = visitor.open("/explorer?service=orbit&identity=web")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("allowed 200")).to_be_visible()
    page = visitor.open("/policies")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name="Edit", exact=True).first.click()
    editor = page.get_by_label("Cedar policies")
    text = editor.input_value()
    editor.fill(text + "forbid (principal == Client::")
    expect(page.locator("#findings")).to_contain_text(re.compile("error|line", re.IGNORECASE))
    forbidding = '@id("web-waits") forbid (principal == Client::"web", action, resource);'
    editor.fill(f"{text}\n{forbidding}\n")
    page.get_by_label("Why").fill("web has to wait")
    page.get_by_role("button", name="Store and activate").click()
    expect(page).to_have_url(re.compile(r"/policies(/\d+)?$"))
    visitor.open("/explorer?service=orbit&identity=web")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("denied 403")).to_be_visible()
    visitor.open("/policies").get_by_role("button", name="Roll back").click()
    expect(page.locator("#notices")).to_contain_text(re.compile("set"))
    visitor.open("/explorer?service=orbit&identity=web")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("allowed 200")).to_be_visible()


def test_what_is_typed_before_the_scripts_are_there_is_checked(visitor: Visitor) -> None:
    page = visitor.page
    held: list[Route] = []

    def hold(request: Route) -> None:
        held.append(request)

    page.on("dialog", lambda dialog: dialog.accept())
    page.route("**/htmx*", hold)
    page.goto(f"{visitor.base}/policies/edit", wait_until="commit")
    page.get_by_label("Cedar policies").fill("permit (")
    for each in held:
        each.continue_()
    page.unroute("**/htmx*", hold)
    expect(page.locator("#findings")).to_contain_text("cannot be stored")


def test_everything_can_be_reached_by_keys(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile("/explorer"))
    walked_to(page, "Send")
    page.keyboard.press("Enter")
    expect(page.locator(".outcome")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("/logs"))
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("reasoned")
    expect(page).to_have_url(re.compile("text=reasoned"))
    expect(page.locator("#records li").first).to_contain_text("reasoned")


def walked_to(page: Page, name: str) -> None:
    """Press Tab until the control of that name has the focus, which is to be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "() => [document.activeElement.textContent.trim(), "
            "getComputedStyle(document.activeElement).outlineStyle]"
        )
        assert seen[1] != "none", f"the focus on {seen[0]} is not to be seen"
        if seen[0] == name:
            return
    raise AssertionError(f"no way to {name}")

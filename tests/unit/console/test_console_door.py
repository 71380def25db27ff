"""Who gets into the console, from where, and what every answer carries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.console.console_rig import BASE, SAME_ORIGIN, ConsoleRig

from fairway.console.door.gate import CONTENT_SECURITY_POLICY
from fairway.delivery.port import Actor

CONSOLE = Path(__file__).parents[3] / "src/fairway/console"


@pytest.fixture
def rig() -> ConsoleRig:
    return ConsoleRig()


async def test_a_page_leads_to_the_login_and_back(rig: ConsoleRig) -> None:
    browser = rig.browser()
    answer = await browser.get("/services?x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fservices%3Fx%3D1"
    link = rig.site.login_path(Actor("ada", "admin")) + "&next=%2Fservices%3Fx%3D1"
    answer = await browser.get(link)
    assert answer.headers["location"] == "/services?x=1"


@pytest.mark.parametrize("next_", ["//evil.example", "/\\evil.example", "https://evil.example", ""])
async def test_the_login_never_leads_to_another_host(rig: ConsoleRig, next_: str) -> None:
    link = rig.site.login_path(Actor("ada", "admin"))
    answer = await rig.browser().get(link, params={"code": link.partition("=")[2], "next": next_})
    assert answer.headers["location"] == "/"


async def test_the_cookie_is_hidden_from_scripts_and_other_sites(rig: ConsoleRig) -> None:
    answer = await rig.browser().get(rig.site.login_path(Actor("ada", "admin")))
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("fairway_session_8700=")
    for wanted in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=28800"):
        assert wanted in cookie
    assert "Secure" not in cookie


@pytest.mark.parametrize("odd", ["a[b]=1", 'prefs={"x": 1, "y": 2}', "bare", "grüße=1"])
async def test_odd_cookies_of_other_programs_on_this_host_do_not_log_anybody_out(
    rig: ConsoleRig, odd: str
) -> None:
    answer = await rig.browser().get(rig.site.login_path(Actor("ada", "admin")))
    own = answer.headers["set-cookie"].partition(";")[0]
    answer = await rig.browser().get("/", headers={"cookie": f"{odd}; {own}".encode()})
    assert answer.status_code == 200


async def test_over_tls_the_cookie_is_secure() -> None:
    rig = ConsoleRig(secure=True)
    answer = await rig.browser().get(rig.site.login_path(Actor("ada", "admin")))
    assert "Secure" in answer.headers["set-cookie"]


async def test_a_used_link_says_so(rig: ConsoleRig) -> None:
    link = rig.site.login_path(Actor("ada", "admin"))
    await rig.browser().get(link)
    answer = await rig.browser().get(link)
    assert answer.status_code == 401
    assert "used already" in answer.text
    assert "fairway console" in answer.text


async def test_what_a_script_asks_is_refused_without_a_session(rig: ConsoleRig) -> None:
    answer = await rig.browser().get("/", headers={"hx-request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-refresh"] == "true"
    stream = await rig.browser().get("/live/overview", headers={"accept": "text/event-stream"})
    assert stream.status_code == 401


async def test_a_link_on_another_site_finds_the_session(rig: ConsoleRig) -> None:
    """It brings no SameSite=Strict cookie: the page asks for itself once more."""
    answer = await rig.browser().get("/", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0"' in answer.text


async def test_a_foreign_host_name_is_refused(rig: ConsoleRig) -> None:
    for path in ("/", "/login", "/static/console.css"):
        answer = await rig.browser().get(path, headers={"host": "rebound.example"})
        assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/static/console.js", "/services/no"])
async def test_every_answer_has_the_headers(rig: ConsoleRig, path: str) -> None:
    for browser in (rig.browser(), (await rig.person()).browser):
        headers = (await browser.get(path)).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "template", sorted((CONSOLE / "templates").glob("*.html")), ids=lambda file: file.name
)
def test_no_template_needs_anything_inline(template: Path) -> None:
    text = template.read_text("utf-8")
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+=|hx-on|javascript:", text)
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text), "nothing from elsewhere"


async def test_pages_are_not_kept_and_files_are(rig: ConsoleRig) -> None:
    me = await rig.person()
    page = await me.get("/")
    assert page.headers["cache-control"] == "no-store"
    found = re.search(r'href="(/static/console\.css\?v=[0-9a-f]+)"', page.text)
    assert found
    sheet = await rig.browser().get(found[1], headers={"accept-encoding": "gzip"})
    assert "immutable" in sheet.headers["cache-control"]
    assert sheet.headers["content-encoding"] == "gzip"
    stale = await rig.browser().get("/static/console.css?v=old")
    assert stale.headers["cache-control"] == "no-cache"
    headers = {"if-none-match": stale.headers["etag"]}
    assert (await rig.browser().get("/static/console.css", headers=headers)).status_code == 304


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/nothing.js"]
)
async def test_only_the_consoles_own_files_are_served(rig: ConsoleRig, path: str) -> None:
    answer = await rig.browser().get(path, follow_redirects=False)
    assert answer.status_code in (303, 404)


async def test_a_write_without_the_token_of_the_session_changes_nothing(rig: ConsoleRig) -> None:
    me, other = await rig.person(), await rig.person()
    for csrf in ("", "wrong", other.csrf):
        answer = await me.browser.post(
            "/services/axon/restart", data={"csrf": csrf}, headers=SAME_ORIGIN
        )
        assert answer.status_code == 403
        answer = await me.browser.post(
            "/services/axon/restart", headers=SAME_ORIGIN | {"x-csrf-token": csrf}
        )
        assert answer.status_code == 403
    status = await rig.parts.control.status()
    assert all(replica.restarts == 0 for each in status.services for replica in each.replicas)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8080"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": BASE, "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
async def test_a_write_from_another_origin_changes_nothing(
    rig: ConsoleRig, headers: dict[str, str]
) -> None:
    me = await rig.person()
    for path in ("/services/axon/restart", "/logout", "/login"):
        answer = await me.browser.post(path, data={"csrf": me.csrf}, headers=headers)
        assert answer.status_code == 403
    assert (await me.get("/")).status_code == 200, "still logged in"


async def test_with_token_and_origin_it_is_done_and_noted(rig: ConsoleRig) -> None:
    me = await rig.person("dan", "deployer")
    answer = await me.post("/services/axon/restart")
    assert answer.status_code == 200
    notes = [(each.actor, each.path, each.status) for each in rig.parts.trail.writes]
    assert notes == [("dan", "/login", 303), ("dan", "/services/axon/restart", 200)]


async def test_a_refused_write_is_noted_as_well(rig: ConsoleRig) -> None:
    me = await rig.person("vera", "viewer")
    answer = await me.post("/services/axon/stop")
    assert answer.status_code == 403
    assert "needs the role deployer" in answer.text
    assert rig.parts.trail.writes[-1].status == 403


async def test_logging_out(rig: ConsoleRig) -> None:
    me = await rig.person()
    answer = await me.post("/logout", scripted=False)
    assert answer.headers["location"] == "/login"
    assert (await me.get("/")).status_code == 303


async def test_a_token_logs_in_and_wrong_ones_are_put_off(rig: ConsoleRig) -> None:
    browser = rig.browser()
    answer = await browser.post(
        "/login", data={"token": "vera", "wanted": "/services"}, headers=SAME_ORIGIN
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/services")
    assert "viewer" in (await browser.get("/services")).text
    answers = [
        await rig.browser().post("/login", data={"token": f"guess-{n}"}, headers=SAME_ORIGIN)
        for n in range(110)
    ]
    assert {each.status_code for each in answers} == {401, 429}


async def test_codes_are_for_whoever_has_a_token(rig: ConsoleRig) -> None:
    browser = rig.browser()
    assert (await browser.post("/login/codes")).status_code == 401
    headers = {"authorization": "Bearer dan"}
    answer = await browser.post("/login/codes", headers=headers)
    assert answer.status_code == 201
    await browser.get(answer.json()["path"])
    assert "deployer" in (await browser.get("/services")).text
    assert (await browser.get("/login/codes", headers=headers)).status_code == 405


async def test_a_session_is_worth_nothing_to_the_api(rig: ConsoleRig) -> None:
    me = await rig.person()
    assert (await me.get("/api/v1/status")).status_code == 401


async def test_unknown_pages_and_methods_are_errors_in_the_same_dress(rig: ConsoleRig) -> None:
    me = await rig.person()
    answer = await me.get("/nowhere")
    assert answer.status_code == 404
    assert "<nav" in answer.text
    assert (await me.post("/", scripted=False)).status_code == 405

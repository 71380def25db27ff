"""The overview: what flows where, what was denied, and pages that survive what services say."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.unit.console.console_rig import ConsoleRig
from tests.unit.console.fake_telemetry import MemoryTelemetry, flow

from fairway.console.views.refusals import refusals
from fairway.console.views.topology import edge_views, pictures, summed, with_strangers
from fairway.console.views.wording import part
from fairway.control.recorded import AuditEntry, AuditQuery
from fairway.control.topology import Edge, Node, NodeVersion, Topology
from fairway.delivery.port import Actor
from fairway.telemetry.port import LogRecord, SloStatus

TWO = (NodeVersion("v1", 90, 2, 2), NodeVersion("v2", 10, 1, 1))
SHOP = Topology(
    (
        Node("gateway", "gateway", "healthy"),
        Node("public", "public", "external"),
        Node("cart", "service", "healthy", TWO),
        Node("stock", "service", "degraded", (NodeVersion("", 100, 2, 1),), restarts=3),
        Node("orders", "store"),
    ),
    (
        Edge("public", "gateway", "public"),
        Edge("gateway", "cart", "call", ("buy",), mutual_tls=True),
        Edge("cart", "stock", "call", ("take",), mutual_tls=True),
        Edge("cart", "orders", "store"),
        Edge("stock", "cart", "call", ("ask",), mutual_tls=True, allowed=False),
    ),
)  # fmt: skip


class Control(MemoryControl):
    async def topology(self) -> Topology:
        return SHOP

    async def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        recent = query.until or self.clock()
        return (
            denial("cart.0", "Gateway::public", "cart", recent),
            denial("cart.0.asked", "Service::cart", "stock", recent),
        )


def test_an_edge_says_what_flows_there() -> None:
    flows = (flow("gateway", "cart", 10.0, errors=60, p95=0.2), flow("cart", "stock", 2.0))
    split = (flow("gateway", "cart", 7.5, version="v1"), flow("gateway", "cart", 2.5, version="v2"))
    found = {(each.source, each.target): each for each in edge_views(SHOP, flows, split)}
    cart = found["gateway", "cart"]
    assert (cart.mood, cart.rate, cart.errors, cart.p95) == ("failing", 10.0, 0.1, 0.2)
    assert cart.versions == (("v1", 75), ("v2", 25)), "as the requests really went"
    assert cart.mutual_tls
    assert cart.label == ("10/s", "200 ms · 10 % err", "v1 75 % · v2 25 %")
    assert found["cart", "stock"].mood == "flowing"
    assert found["public", "gateway"].mood == "quiet"
    assert found["stock", "cart"].mood == "forbidden"
    assert not found["cart", "orders"].traffic
    assert "mutual TLS" in cart.words


def test_what_was_tried_without_being_declared_is_drawn_as_denied() -> None:
    flows = (flow("stock", "gateway", 1.0, denied=60), flow("stranger", "cart", 0.5, denied=30))
    topology = with_strangers(SHOP, flows)
    found = {(each.source, each.target): each for each in edge_views(topology, flows)}
    assert found["stock", "gateway"].mood == "denied"
    assert not found["stock", "gateway"].declared
    assert found["stranger", "cart"].denied == 30
    for picture in pictures(topology, tuple(found.values())):
        assert "stranger" in {node.name for node, _ in picture.nodes}
        assert len(picture.edges) == len(found)


def test_denied_among_allowed_calls_are_counted_but_the_edge_flows() -> None:
    (found,) = [
        each for each in edge_views(SHOP, (flow("cart", "stock", 1.0, denied=3),)) if each.requests
    ]
    assert (found.mood, found.denied) == ("flowing", 3)


def denial(writer: str, caller: str, service: str, at: float = 5.0) -> AuditEntry:
    return AuditEntry(writer, 1, at, "decision", caller, service, "take", "deny", "because")


def test_what_was_refused_to_who_asked_first_is_drawn_though_nothing_was_sent() -> None:
    asked = [denial("cart.0.asked", "Service::cart", "stock")] * 3
    asked.append(denial("stock.0.asked", "Service::stock", "gateway"))
    flows = (flow("gateway", "cart", 1.0),)
    views = edge_views(SHOP, flows, refusals=refusals(asked))
    found = {(each.source, each.target): each for each in views}
    stock = found["cart", "stock"]
    assert (stock.mood, stock.denied, stock.requests) == ("denied", 3, 0)
    assert stock.denials == "/policies/audit?service=stock&caller=cart&verdict=deny"
    assert (found["gateway", "cart"].mood, found["gateway", "cart"].denied) == ("flowing", 0)
    assert not found["stock", "gateway"].declared
    assert summed(views, SHOP.nodes).denied == 4


def test_what_was_asked_adds_to_what_was_sent_and_denied() -> None:
    entries = [
        denial("cart.0.asked", "Service::cart", "stock"),
        denial("stock.0", "Service::cart", "stock"),
    ]
    for requests, mood in ((60, "flowing"), (1, "denied")):
        flows = (flow("cart", "stock", requests / 60, denied=1),)
        views = edge_views(SHOP, flows, refusals=refusals(entries))
        (found,) = [each for each in views if each.denied]
        assert (found.mood, found.denied) == (mood, 2)


@pytest.mark.parametrize(
    ("entry", "pair", "expected"),
    [
        (("cart.0", "Gateway::public", "cart"), ("public", "gateway"), "audit?verdict=deny"),
        (("cart.0", "Client::web", "cart"), ("gateway", "cart"), "audit?service=cart&verdict=deny"),
        (("mesh", "Service::stock", "cart"), ("stock", "cart"), "service=cart&caller=stock&"),
        (("x.0.asked", "Service::x", "cart"), ("gateway", "cart"), "/traces?service=cart&outcome"),
        (("mesh", "", "cart"), ("stock", "cart"), "/traces?service=cart&outcome=denied"),
    ],
)
def test_a_figure_leads_to_where_entries_are(
    entry: tuple[str, str, str], pair: tuple[str, str], expected: str
) -> None:
    flows = (flow(*pair, 1.0, denied=2),)
    views = edge_views(SHOP, flows, refusals=refusals([denial(*entry)]))
    (found,) = [each for each in views if (each.source, each.target) == pair]
    assert expected in found.denials


def test_the_sum_is_of_what_comes_from_outside() -> None:
    flows = (
        flow("public", "gateway", 4.0, errors=24, denied=2, p95=0.3),
        flow("gateway", "cart", 4.0, denied=2),
    )
    total = summed(edge_views(SHOP, flows), SHOP.nodes)
    assert (total.rate, total.errors, total.p95, total.denied) == (4.0, 0.1, 0.3, 2)


@pytest.fixture
def rig() -> ConsoleRig:
    rig = ConsoleRig(control=Control())
    assert isinstance(rig.control, Control)
    rig.control.told = MemoryTelemetry(
        flows=(flow("public", "gateway", 4.0), flow("gateway", "cart", 4.0, denied=7)),
        records=(LogRecord(1, 5.0, "stock", "stock.0", "", "error", "out of boxes", {}),),
        objectives=(
            SloStatus("buy", "cart", "buy", "availability", 0.999, None, 86400.0, 10, 0, 0.4, ()),
        ),
    )
    return rig


async def test_the_page_shows_it_all(rig: ConsoleRig) -> None:
    page = (await (await rig.person()).get("/")).text
    for said in ("4/s", "7 denied", "v1 90 %", "out of boxes", "40 % of the error budget", "buy"):
        assert said in page
    assert "/metrics?service=cart&amp;caller=gateway" in page
    assert "/policies/audit?service=cart&amp;verdict=deny" in page
    assert "/policies/audit?service=stock&amp;caller=cart&amp;verdict=deny" in page
    assert "1 denied: calls of cart to stock" in page


async def test_without_telemetry_the_rest_is_there(rig: ConsoleRig) -> None:
    assert isinstance(rig.control, Control)
    rig.control.told = None
    page = await (await rig.person()).get("/")
    assert page.status_code == 200
    assert "telemetry is switched off" in page.text
    assert "gateway" in page.text


async def test_where_no_system_runs_deployments_come_first() -> None:
    rig = ConsoleRig(shared=True)
    browser = rig.browser()
    await browser.get(rig.site.login_path(Actor("ada", "admin")))
    answer = await browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/deployments")


HOSTILE = "<script>alert(1)\"'><img src=x onerror=alert(2)>{{ 7*7 }}&javascript:alert(3)"


class Markup(HTMLParser):
    """Collects elements and attributes that could run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") or name == "style" or (value or "").startswith("javascript:"):
                self.found.append(f"{tag} {name}={value}")
        if tag == "img" or (tag == "script" and not dict(attrs).get("src")):
            self.found.append(tag)


class HostileControl(Control):
    async def topology(self) -> Topology:
        bad = Node(HOSTILE, "service", "healthy", (NodeVersion(HOSTILE, 100, 1, 1),), (HOSTILE,))
        edges = (*SHOP.edges, Edge(HOSTILE, "cart", "call", (HOSTILE,), mutual_tls=True))
        return Topology((*SHOP.nodes, bad), edges)

    async def status(self):  # type: ignore[no-untyped-def]
        system = await super().status()
        bad = replace(
            system.services[0], name=HOSTILE, urls=(HOSTILE,),
            replicas=(replace(system.services[0].replicas[0], version=HOSTILE, detail=HOSTILE),),
        )  # fmt: skip
        return replace(system, app=HOSTILE, services=(bad,), warnings=(HOSTILE,))

    async def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        return (
            AuditEntry(HOSTILE, 1, 5.0, "decision", HOSTILE, HOSTILE, HOSTILE, "deny", HOSTILE),
        )


@pytest.mark.parametrize("path", ["/", "/services", "/services/{name}"])
async def test_what_anybody_wrote_is_text(path: str) -> None:
    control = HostileControl()
    control.told = MemoryTelemetry(
        flows=(flow("gateway", HOSTILE, 1.0, version=HOSTILE), flow(HOSTILE, "cart", 1.0)),
        records=(LogRecord(1, 5.0, *[HOSTILE] * 3, "error", HOSTILE, {HOSTILE: HOSTILE}),),
        objectives=(
            SloStatus(*[HOSTILE] * 3, "latency", 0.9, 1.0, 60.0, 1, 1, 0.1, (), "", HOSTILE),
        ),
    )
    me = await ConsoleRig(control=control).person(HOSTILE)
    answer = await me.get(path.format(name=part(HOSTILE)))
    assert answer.status_code == 200
    markup = Markup()
    markup.feed(answer.text)
    assert markup.found == []
    assert "49" not in answer.text.replace(HOSTILE, "")
    assert "&lt;script&gt;alert(1)" in answer.text


async def test_a_request_line_says_what_was_asked(rig: ConsoleRig) -> None:
    """The newest by time is first, whichever was received first."""
    told = {"method": "POST", "path": "/boxes/7", "status": 503}
    rig.control.told = MemoryTelemetry(
        records=(
            LogRecord(1, 6.0, "stock", "stock.0", "", "error", "request", told),
            LogRecord(2, 5.0, "stock", "stock.1", "", "error", "request", told | {"intent": "box"}),
        )
    )
    person = await rig.person()
    page = (await person.get("/")).text
    assert page.index("request POST /boxes/7 503") < page.index("request POST box 503")
    assert "request POST /boxes/7 503" in (await person.get("/logs")).text

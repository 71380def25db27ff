"""A release that answers everyone with 200 and sells less: only a metric of people's own tells."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.delivery_rig import Change, DeliveryRig
from tests.steady_load import steady_load

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]

SHOP = '''
"""Every visit is answered alike; how many of them end in an order is what its counters say."""
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

VISITS_PER_ORDER = 10 if Path("text").read_text() == "sells-less" else 2
visits, lock = 0, Lock()

def counters():
    orders = visits // VISITS_PER_ORDER
    return f"""# TYPE orders_total counter
orders_total{{channel="web"}} {orders}
orders_total{{channel="phone"}} 7
visits_total {visits}
"""

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global visits
        if self.path.startswith("/axon"):
            with lock:
                visits += 1
        body = counters().encode() if self.path == "/metrics" else b"welcome"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
'''

CONVERSION = {
    "name": "conversion",
    "service": "axon",
    "hits": 'orders_total{channel="web"}',
    "total": "visits_total",
    "worse": "fewer",
    "margin": 5,
}
WATCHED = {"analysis": {"minimum": 20, "warm_up": "0s", "metrics": [CONVERSION]}}
RATE = 80


def release(text: str, bake: str) -> Change:
    """The shop with a text, in a canary whose step ends by itself after `bake`."""
    return Change(
        axon=text,
        strategy={"canary": {"steps": [50], "bake": bake}},
        services={"axon": {"run": f"{sys.executable} shop.py"}},
        environment=WATCHED,
    )


class Shops(DeliveryRig):
    """A rig whose axon is the shop."""

    def write(self, change: Change) -> None:
        super().write(change)
        (self.folder / "services" / "axon" / "shop.py").write_text(SHOP)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shops]:
    made = Shops(tmp_path_factory.mktemp("metrics"), release("one", "0s"))
    try:
        await made.start()
        first = await made.deploy(release("one", "0s"))
        assert first.status == "succeeded", first.reason
        yield made
    finally:
        await made.close()


async def conversion(rig: Shops, deployment: str) -> dict[str, Any]:
    """The check of the metric, as it was seen last."""
    watching = await rig.delivery.watching(deployment)
    assert watching is not None, "nobody has looked"
    (found,) = [check for check in watching.checks if "conversion" in check["name"]]
    return dict(found)


async def test_a_release_that_sells_less_is_rolled_back(rig: Shops) -> None:
    async with steady_load(f"{rig.gateway}/axon/x", RATE) as load:
        ended = await rig.deploy(release("sells-less", "15s"))
    assert ended.status == "rolled_back", ended.reason
    assert "conversion" in ended.reason
    assert load.failed == {}, "its answers have nothing to find fault with"
    check = await conversion(rig, ended.id)
    assert check["outcome"] == "fail"
    assert check["candidate"] == pytest.approx(0.1, abs=0.06)
    assert check["stable"] == pytest.approx(0.5, abs=0.1)


async def test_a_release_that_sells_as_much_stays(rig: Shops) -> None:
    async with steady_load(f"{rig.gateway}/axon/x", RATE) as load:
        ended = await rig.deploy(release("two", "2s"))
    assert (ended.status, load.failed) == ("succeeded", {}), ended.reason
    check = await conversion(rig, ended.id)
    assert check["outcome"] != "fail"
    assert check["candidate"] == pytest.approx(0.5, abs=0.1)
    assert check["candidate_requests"] > 20

"""Any program can be a service: it needs a command, $PORT and a health check, and no Fairway.

Programs that other projects publish (starlette, grpcio, websockets), one for Node.js, a static
site and an AWS Lambda handler run here as they would anywhere else.
"""

import asyncio
import json
import sys
from pathlib import Path

import grpc
import httpx2
import pytest
import websockets.asyncio.client
from tests.local_support import Place, get, pids
from tests.waiting import eventually

BIN = Path(sys.executable).parent


@pytest.fixture
async def place(tmp_path):
    place = Place(tmp_path)
    yield place
    leftovers = place.alive()
    for process in leftovers:
        process.kill()
    assert leftovers == []


def write(place, path, text):
    file = place.app_dir / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def port_of(place, service):
    (port,) = place.traffic.ports[service]
    return port


STARLETTE = """
import os
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def health(request):
    return JSONResponse({"ok": True})

async def hello(request):
    name = request.path_params["name"]
    return JSONResponse({"hello": name, "replica": os.environ["FAIRWAY_REPLICA"]})

app = Starlette(routes=[Route("/health", health), Route("/hello/{name}", hello)])
"""


async def test_a_starlette_app_under_uvicorn(place):
    write(place, "hello/main.py", STARLETTE)
    spec = place.spec(
        "hello",
        build="hello",
        run=f"{BIN}/uvicorn main:app --host 127.0.0.1 --port $PORT",
        health="/health",
    )
    async with place.running(spec) as supervisor:
        status, body = await get(port_of(place, "hello"), "/hello/world")
        assert (status, json.loads(body)) == (200, {"hello": "world", "replica": "0"})
        assert len(pids(supervisor, "hello")) == 1
    assert "Finished server process" in place.state.log("hello", 0).read_text()


GRPC = """
import os
from concurrent import futures
import grpc

def shout(request, context):
    return request.upper()

handler = grpc.method_handlers_generic_handler(
    "demo.Shouter", {"Shout": grpc.unary_unary_rpc_method_handler(shout)}
)
server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((handler,))
server.add_insecure_port(f"127.0.0.1:{os.environ['PORT']}")
server.start()
server.wait_for_termination()
"""


async def test_a_grpc_server(place):
    write(place, "shouter/server.py", GRPC)
    spec = place.spec("shouter", kind="grpc", build="shouter", run=f"{sys.executable} server.py")
    async with place.running(spec):
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port_of(place, 'shouter')}")
        assert await channel.unary_unary("/demo.Shouter/Shout")(b"hello") == b"HELLO"
        await channel.close()


WEBSOCKETS = """
import asyncio, os
from websockets.asyncio.server import serve

async def echo(socket):
    async for message in socket:
        await socket.send(message[::-1])

async def main():
    async with serve(echo, "127.0.0.1", int(os.environ["PORT"])) as server:
        await server.serve_forever()

asyncio.run(main())
"""


async def test_a_websocket_server(place):
    write(place, "echo/server.py", WEBSOCKETS)
    spec = place.spec("echo", kind="websocket", build="echo", run=f"{sys.executable} server.py")
    async with place.running(spec):
        url = f"ws://127.0.0.1:{port_of(place, 'echo')}"
        async with websockets.asyncio.client.connect(url) as socket:
            await socket.send("drawer")
            assert await socket.recv() == "reward"


NODE = """
const http = require("node:http");
const server = http.createServer((request, response) => {
  response.end(JSON.stringify({ path: request.url, node: process.version }));
});
server.listen(process.env.PORT, "127.0.0.1");
process.on("SIGTERM", () => server.close(() => { console.log("closed"); process.exit(0); }));
"""


@pytest.mark.node
async def test_a_node_program(place):
    write(place, "clock/server.js", NODE)
    spec = place.spec("clock", build="clock", run="node server.js", health="/")
    async with place.running(spec):
        status, body = await get(port_of(place, "clock"), "/now")
        assert status == 200
        assert json.loads(body)["path"] == "/now"
    assert place.state.log("clock", 0).read_text() == "closed\n"


async def test_a_static_site(place):
    write(place, "site/index.html", "<h1>Welcome</h1>")
    write(place, "site/guide/index.html", "<h1>Guide</h1>")
    write(place, "site/404.html", "<h1>Nothing here</h1>")
    write(place, "site/.env", "PASSWORD=x")
    write(place, "site/.git/config", "x")
    write(place, "site/.well-known/security.txt", "mailto:x@example.org")
    write(place, "secret.txt", "x")
    (place.app_dir / "site" / "link").symlink_to(place.app_dir / "secret.txt")
    spec = place.spec("site", kind="static", root="site", health="/")
    async with place.running(spec):
        base = f"http://127.0.0.1:{port_of(place, 'site')}"
        async with httpx2.AsyncClient(base_url=base, follow_redirects=True) as client:
            page = await client.get("/")
            assert page.text == "<h1>Welcome</h1>"
            assert page.headers["content-type"].startswith("text/html")
            again = await client.get("/", headers={"if-none-match": page.headers["etag"]})
            assert again.status_code == 304
            assert (await client.get("/guide")).text == "<h1>Guide</h1>"
            assert (await client.get("/.well-known/security.txt")).status_code == 200
            for path in ("/.env", "/.git/config", "/link", "/%2e%2e/secret.txt", "/no"):
                answer = await client.get(path)
                assert (path, answer.status_code) == (path, 404)
            assert (await client.get("/no")).text == "<h1>Nothing here</h1>"
            write(place, "site/index.html", "<h1>Changed!</h1>")
            assert (await client.get("/")).text == "<h1>Changed!</h1>"


HANDLER = """
import json

def handle(event, context):
    print("handling", event["rawPath"], flush=True)
    if event["rawPath"] == "/broken":
        raise RuntimeError("as told")
    method = event["requestContext"]["http"]["method"]
    query, body = event.get("queryStringParameters"), event.get("body")
    return {
        "statusCode": 201,
        "headers": {"x-made-by": context.function_name},
        "cookies": ["a=1", "b=2"],
        "body": json.dumps({"method": method, "query": query, "body": body}),
    }
"""


async def test_a_lambda_handler(place):
    write(place, "fn/app.py", HANDLER)
    spec = place.spec("fn", kind="function", build="fn", handler="app:handle")
    async with (
        place.running(spec),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port_of(place, 'fn')}") as client,
    ):
        answer = await client.post("/items?tag=a&tag=b", json={"n": 1})
        assert answer.status_code == 201
        assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
        assert answer.json() == {"method": "POST", "query": {"tag": "a,b"}, "body": '{"n":1}'}
        broken = await client.get("/broken")
        assert (broken.status_code, broken.json()) == (
            500,
            {"message": "Internal Server Error"},
        )
        assert (await client.get("/fine")).status_code == 201
    log = place.state.log("fn", 0).read_text()
    assert "handling /items" in log
    assert "RuntimeError: as told" in log


async def test_a_pipeline_of_the_shell(place):
    spec = place.spec(
        "piped",
        run=f"cd / && {sys.executable} -m http.server --bind 127.0.0.1 $PORT 2>&1 | cat",
        health="/",
    )
    async with place.running(spec):
        await get(port_of(place, "piped"), "/")
        await eventually(lambda: "GET / HTTP/1.1" in place.state.log("piped", 0).read_text())


async def test_stopping_waits_for_requests_under_way(place):
    """uvicorn finishes what it has accepted when it is asked to stop."""
    write(
        place,
        "slow/main.py",
        "import asyncio\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http': return\n"
        "    if scope['path'] != '/health':\n"
        "        open('asked', 'w').close()\n"
        "        await asyncio.sleep(0.5)\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'done'})\n",
    )
    spec = place.spec(
        "slow",
        build="slow",
        run=f"{BIN}/uvicorn main:app --port $PORT --lifespan off",
        health="/health",
    )
    async with place.running(spec) as supervisor:
        asking = asyncio.create_task(get(port_of(place, "slow")))
        await eventually((place.app_dir / "slow" / "asked").exists)
        await supervisor.stop()
        assert await asking == (200, "done")

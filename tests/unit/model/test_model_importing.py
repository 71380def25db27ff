"""App files from Compose files, Procfiles and nothing: they load, and the notes are whole."""

from __future__ import annotations

import re

import pytest

from fairway.errors import InvalidAppFile
from fairway.model.app import App
from fairway.model.importing import (
    FoundService,
    Imported,
    app_from_compose,
    app_from_procfile,
    starter_app_file,
)
from fairway.model.load import load_app

COMPOSE = """\
name: My Shop
services:
  web:
    build: {context: ./services/web, target: prod}
    command: ["python", "web.py", "--port", "$$PORT", "--title", "my shop"]
    ports: ["127.0.0.1:8080:8000/tcp"]
    environment:
      API_URL: http://stock_api:9000
      LEVEL: ${LEVEL:-info}
      PASSED:
      DEBUG: true
      SESSION_SECRET: abc
      DATABASE_URL: postgres://user:pw@db/shop
    depends_on: {stock_api: {condition: service_healthy}, db: {}}
    healthcheck:
      test: [CMD, curl, -f, "http://localhost:8000/health"]
      interval: 1m30s
      timeout: 500ms
      retries: 5
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 512M}}, placement: {}}
    stop_grace_period: 20s
    volumes: [./data:/data]
  stock_api:
    image: registry.example.com/stock:${TAG}
    expose: [9000]
  admin: {image: admin, ports: [{target: 3000, published: 3001}]}
  sync: {build: ., command: python sync.py, depends_on: [db]}
  db: {image: "docker.io/library/postgres:17-alpine", environment: {POSTGRES_PASSWORD: x}}
  cache: {image: redis}
volumes: {data: {}}
"""


def loaded(made: Imported | str) -> App:
    text = made if isinstance(made, str) else made.text
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)", text), "value")
    return load_app("fairway.yaml", text, read=lambda path: "", variables=variables).app


class TestCompose:
    made = app_from_compose(COMPOSE)
    app = loaded(made)

    def test_what_is_carried_over(self) -> None:
        web = self.app.services["web"]
        assert self.app.app == "my-shop"
        assert web.build == "services/web"
        assert web.run == "python web.py --port \"$PORT\" --title 'my shop'"
        assert (web.port, [route.path for route in web.public]) == (8000, ["/"])
        assert (web.health.path, web.health.interval) == ("/health", 90.0)
        assert (web.health.timeout, web.health.unhealthy) == (0.5, 5)
        assert (web.replicas, web.resources.cpu, web.resources.memory) == (2, 0.5, 512 * 2**20)
        assert web.stop.grace == 20.0
        assert web.stores == ("db",)

    def test_variables_and_secrets(self) -> None:
        web = self.app.services["web"]
        assert web.secrets == ("SESSION_SECRET", "DATABASE_URL")
        assert web.env["PASSED"] == web.env["LEVEL"] == "value"
        assert web.env["DEBUG"] == "true"
        assert "abc" not in self.made.text
        assert "user:pw" not in self.made.text + "".join(self.made.notes)

    def test_kinds(self) -> None:
        assert self.app.services["sync"].kind == "worker"
        assert self.app.services["stock-api"].kind == "http"
        assert self.app.services["stock-api"].port == 9000
        assert {name: store.kind for name, store in self.app.stores.items()} == {
            "db": "postgres",
            "cache": "valkey",
        }
        assert self.app.stores["db"].version == "17"

    def test_each_published_port_gets_a_path(self) -> None:
        assert [route.path for route in self.app.services["admin"].public] == ["/admin"]

    @pytest.mark.parametrize(
        "words",
        [
            "'stock_api' is called 'stock-api'",
            "'web' depends on 'stock-api'",
            "$STOCK_API_URL",
            "'web': 'volumes' was not carried over",
            "'volumes' at the top",
            "'deploy.placement' was not carried over",
            "of 'build' only the folder",
            "SESSION_SECRET is a secret",
            "'stock-api' has no command",
            "'db' became a store",
            "serves it under '/admin'",
        ],
    )
    def test_the_notes_name_what_is_not(self, words: str) -> None:
        assert any(words in note for note in self.made.notes)

    def test_one_port_is_kept_once(self) -> None:
        text = "services:\n  a: {image: a, ports: [80]}\n  b: {image: b, ports: [80]}\n"
        made = app_from_compose(text)
        assert [service.port for service in loaded(made).services.values()] == [80, None]
        assert any("must listen on $PORT" in note for note in made.notes)

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("services: [a\n", (1, 11)),
            ("version: 3\n", (1, 1)),
            ("services:\n", (1, 1)),
            ("", (1, 1)),
        ],
    )
    def test_what_is_no_compose_file(self, text: str, place: tuple[int, int]) -> None:
        with pytest.raises(InvalidAppFile) as caught:
            app_from_compose(text)
        problem = caught.value.problems[0]
        assert (problem.file, problem.line, problem.column) == ("compose.yaml", *place)


class TestProcfile:
    def test_kinds(self) -> None:
        made = app_from_procfile(
            "# comment\n\nweb: gunicorn app --bind :$PORT\nrelease: ./migrate\n"
            "clock_1: python clock.py\nadmin: serve ${PORT}\n"
        )
        app = loaded(made)
        assert {name: service.kind for name, service in app.services.items()} == {
            "web": "http",
            "release": "job",
            "clock-1": "worker",
            "admin": "http",
        }
        assert app.services["web"].run == "gunicorn app --bind :$PORT"
        assert [route.path for route in app.services["web"].public] == ["/"]
        assert not app.services["admin"].public
        assert "'clock_1' is called 'clock-1' here" in made.notes

    def test_every_wrong_line_is_reported(self) -> None:
        with pytest.raises(InvalidAppFile) as caught:
            app_from_procfile("web: x\nnonsense\na b: c\nc:\n")
        assert [problem.line for problem in caught.value.problems] == [2, 3, 4]

    def test_an_empty_one(self) -> None:
        with pytest.raises(InvalidAppFile):
            app_from_procfile("# nothing\n")


class TestStarter:
    def test_without_services_it_has_one_that_runs(self) -> None:
        app = loaded(starter_app_file("Hello World"))
        assert app.app == "hello-world"
        assert "$PORT" in (app.services["web"].run or "")

    def test_services_that_were_found(self) -> None:
        found = [
            FoundService("Web App", "services/web", "uvicorn web:app --port $PORT"),
            FoundService("web_app", "services/other: 2", None),
            FoundService("tool", None, "echo 'a: b' # c"),
            FoundService("bare"),
        ]
        app = loaded(starter_app_file("shop", found))
        assert list(app.services) == ["web-app", "web-app-2", "tool", "bare"]
        assert app.services["web-app-2"].build == "services/other: 2"
        assert app.services["tool"].run == "echo 'a: b' # c"

    def test_it_explains_itself(self) -> None:
        text = starter_app_file("shop")
        for words in ("fairway validate", "fairway up", "intents", "calls"):
            assert words in text


def test_a_limit_of_memory_that_nobody_has_is_left_out() -> None:
    many = "services:\n  web: {build: ., command: run, mem_limit: '10000000000000000000'}\n"
    assert "memory" not in app_from_compose(many).text

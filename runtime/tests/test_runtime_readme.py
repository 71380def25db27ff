"""The README's example runs, and its table of variables is complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from runtime.tests.serving import echo, served, write_files

from fairway_runtime import settings
from fairway_runtime.asgi import fairway
from fairway_runtime.metrics import Metrics

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


async def test_the_example_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent = settings.Settings.from_environment({})
    write_files(tmp_path)
    async with served(fairway(echo, absent, metrics=Metrics())) as axon:
        monkeypatch.setenv("AXON_URL", f"http://{axon}")
        monkeypatch.setenv("FAIRWAY_POLICY_FILE", str(tmp_path / "active.json"))
        (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
        names: dict[str, Any] = {"__name__": "example"}
        exec(compile(example, "README.md", "exec"), names)
        transport = httpx2.ASGITransport(names["app"])
        async with httpx2.AsyncClient(transport=transport, base_url="http://orbit") as client:
            answer = await client.post("/dispatch", headers={"x-correlation-id": "trip-3"})
            healthy = await client.get("/health")
        await names["client"].aclose()
    assert healthy.status_code == 200
    document = answer.json()
    assert (document["path"], document["body"]) == ("/reason", '{"text":"why"}')
    assert document["correlation_id"] == answer.headers["x-correlation-id"] == "trip-3"


def test_every_variable_is_explained() -> None:
    source = Path(settings.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r'"((?:FAIRWAY|OTEL_EXPORTER)_[A-Z_]+)"', source))
    assert read == set(re.findall(r"`((?:FAIRWAY|OTEL_EXPORTER)_[A-Z_]+)`", README))

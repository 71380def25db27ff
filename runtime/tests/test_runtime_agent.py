"""The pure and the small parts of the agent beside an Envoy; the rest is tested with real ones."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.agent.__main__ import main, task_id
from fairway_runtime.agent.cloud import Away, Fetched
from fairway_runtime.agent.documents import Document, Source, parse
from fairway_runtime.agent.handouts import Handouts
from fairway_runtime.agent.measuring import Reporter
from fairway_runtime.agent.probing import hand_out_probe
from fairway_runtime.agent.reporting import State, metrics, row
from fairway_runtime.agent.settings import AgentSettings
from fairway_runtime.agent.totals import Totals, counted, statistics_filter
from fairway_runtime.agent.writing import write
from fairway_runtime.errors import InvalidConfiguration

VARIABLES = {
    "FAIRWAY_APP": "shop",
    "FAIRWAY_ENVIRONMENT": "prod",
    "FAIRWAY_SERVICE": "orbit",
    "FAIRWAY_VERSION": "r7",
    "FAIRWAY_CONFIG_BUCKET": "config",
    "FAIRWAY_IDENTITY_FUNCTION": "arn:…:orbit",
}

histograms = st.dictionaries(st.integers(500, 50_000), st.integers(1, 50), max_size=5)
totals = st.builds(Totals, st.integers(0, 99), st.integers(0, 9), histograms)


def settings(**more: str) -> AgentSettings:
    return AgentSettings.from_environment(VARIABLES | more)


def test_the_gateway_has_no_version_and_no_handouts() -> None:
    gateway = settings(FAIRWAY_SERVICE="gateway", FAIRWAY_VERSION="r1")
    assert (gateway.version, gateway.mesh_key) == ("", "mesh/gateway/envoy.json")
    assert settings().mesh_key == "mesh/orbit/r7/envoy.json"
    assert settings().handouts_key == "handouts/orbit/r7.json"


def test_everything_that_is_missing_or_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        AgentSettings.from_environment({"FAIRWAY_SERVICE": "orbit", "FAIRWAY_AGENT_POLL": "soon"})
    for name in ("FAIRWAY_APP", "FAIRWAY_VERSION", "FAIRWAY_CONFIG_BUCKET", "FAIRWAY_AGENT_POLL"):
        assert name in str(caught.value)


@given(totals, totals)
def test_what_came_since_and_what_was_make_what_is(before: Totals, added: Totals) -> None:
    now = before.plus(added)
    assert now.since(before).plus(before) == now


def test_counters_that_started_over_count_from_nothing() -> None:
    assert Totals(3, 1, {500: 3}).since(Totals(9, 2, {500: 9})) == Totals(3, 1, {500: 3})


def test_statistics_are_those_of_one_cluster() -> None:
    pattern = statistics_filter("cluster.replicas.r7")
    assert pattern.startswith(r"^cluster\.replicas\.r7\.")
    buckets = [
        {"lower_bound": 2.0, "width": 1.0, "count": 5},
        {"lower_bound": 10.0, "width": 2.0, "count": 1},
    ]
    statistics = {
        "stats": [
            {"name": "cluster.replicas.r7.upstream_rq_completed", "value": 6},
            {"name": "cluster.replicas.r7.upstream_rq_5xx", "value": 1},
            {
                "histograms": {
                    "details": [
                        {"name": "cluster.replicas.r7.upstream_rq_time", "totals": buckets},
                        {"name": "cluster.other.upstream_rq_time", "totals": buckets},
                    ]
                }
            },
        ]
    }
    assert counted(statistics, "cluster.replicas.r7") == Totals(6, 1, {2_500: 5, 11_000: 1})
    assert counted({"stats": []}, "cluster.replicas.r7") == Totals()


def test_a_row_tells_what_is_in_force() -> None:
    found = row(settings(), "task", State("m1", "h1", ""), Totals(2, 1, {1500: 2}), 1000.5)
    assert (found["pk"], found["sk"]) == ({"S": "orbit#r7"}, {"S": "task"})
    assert (found["mesh_version"], found["handouts_version"]) == ({"S": "m1"}, {"S": "h1"})
    assert found["ttl"] == {"N": str(1000 + 7 * 86_400)}
    assert json.loads(found["totals"]["S"])["latency"] == {"1500": 2}


def test_metrics_are_of_requests_that_were_and_split_where_cloudwatch_wants() -> None:
    assert metrics(settings(), Totals()) == []
    many = Totals(200, 3, {500 + 1000 * n: 1 for n in range(200)})
    found = metrics(settings(), many)
    assert [each["MetricName"] for each in found] == ["Requests", "Errors", "Latency", "Latency"]
    assert max(len(each.get("Values", ())) for each in found) == 150
    assert {d["Name"]: d["Value"] for d in found[0]["Dimensions"]} == {
        "App": "shop", "Environment": "prod", "Service": "orbit", "Version": "r7",
    }  # fmt: skip


class SlowAdmin:
    """Envoy's counter grows by one with every question, and answers are the slower the older."""

    def __init__(self, questions: int) -> None:
        self._asked, self._questions = 0, questions

    async def detailed(self, pattern: str) -> dict[str, Any]:
        self._asked += 1
        count = self._asked
        await asyncio.sleep(0.01 * (self._questions - count))
        return {"stats": [{"name": "cluster.replicas.r7.upstream_rq_completed", "value": count}]}


async def test_looks_at_the_same_time_count_nothing_twice() -> None:
    rows: list[dict[str, Any]] = []

    class Table:
        def report(self, table: str, item: dict[str, Any]) -> None:
            rows.append(item)

    reporter = Reporter(settings(), Table(), SlowAdmin(3), State)  # type: ignore[arg-type]
    await asyncio.gather(*(reporter.send() for _ in range(3)))
    assert max(json.loads(row["totals"]["S"])["requests"] for row in rows) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"files": {}}',
        b'{"version": "1", "files": {"../x": {}}}',
        b'{"version": "1", "files": {"/etc/x": {}}}',
        b'{"version": "1", "files": {}, "secrets": {"a/../../b": "s"}}',
    ],
)
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(content)


class FakeCloud:
    """S3 and Secrets Manager in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.secrets: dict[str, str] = {}

    def fetch(self, bucket: str, key: str, tag: str) -> Fetched | None:
        if key not in self.objects:
            raise Away(f"s3://{bucket}/{key}: NoSuchKey")
        content = self.objects[key]
        return None if tag == str(hash(content)) else Fetched(content, str(hash(content)))

    def secret(self, name: str) -> str:
        if name not in self.secrets:
            raise Away(f"{name}: ResourceNotFoundException")
        return self.secrets[name]


def source(cloud: Any, folder: Path) -> Source:
    return Source(cloud, "config", "mesh/orbit/r7/envoy.json", folder / "kept.json")


def test_a_document_is_told_until_it_is_kept_for_bad_times(tmp_path: Path) -> None:
    cloud = FakeCloud()
    first = source(cloud, tmp_path)
    with pytest.raises(Away):
        first.changed()
    assert first.kept() is None
    cloud.objects["mesh/orbit/r7/envoy.json"] = b'{"version": "1", "files": {"lds.json": {}}}'
    found = first.changed()
    assert found == Document("1", {"lds.json": {}})
    assert first.changed() == found, "nothing was made of it yet"
    first.keep(found)
    assert first.changed() is None
    assert source(FakeCloud(), tmp_path).kept() == found
    cloud.objects["mesh/orbit/r7/envoy.json"] = b"half a docu"
    with pytest.raises(Away, match="no document"):
        first.changed()


def test_files_are_handed_out_whole_and_taken_away(tmp_path: Path) -> None:
    cloud = FakeCloud()
    cloud.secrets = {
        "p/orbit/KEY": "hush",
        "p/orbit/identity": json.dumps({"signing.json": {"a": 1}, "verifying.json": {"b": 2}}),
    }
    handouts = Handouts(cloud, tmp_path / "fairway")  # type: ignore[arg-type]
    names = {"secrets/KEY": "p/orbit/KEY", "identity": "p/orbit/identity"}
    handouts.hand_out(Document("1", {"flags.json": {"x": 1}}, names))
    secret = tmp_path / "fairway" / "secrets" / "KEY"
    assert secret.read_text() == "hush"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert json.loads((tmp_path / "fairway" / "identity" / "signing.json").read_text()) == {"a": 1}
    before = secret.stat().st_mtime_ns
    handouts.hand_out(Document("2", {"flags.json": {"x": 2}}, names))
    assert secret.stat().st_mtime_ns == before
    handouts.hand_out(Document("3", {}, {}))
    assert not secret.exists()


def test_a_secret_that_is_not_there_leaves_what_was(tmp_path: Path) -> None:
    handouts = Handouts(FakeCloud(), tmp_path)  # type: ignore[arg-type]
    write(tmp_path / "flags.json", b"{}")
    with pytest.raises(Away):
        handouts.hand_out(Document("1", {"flags.json": {"x": 1}}, {"secrets/KEY": "p/KEY"}))
    assert (tmp_path / "flags.json").read_bytes() == b"{}"


def test_equal_content_keeps_its_file(tmp_path: Path) -> None:
    assert write(tmp_path / "a" / "b", b"1")
    assert not write(tmp_path / "a" / "b", b"1")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_the_program_for_health_checks_can_be_run(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"#!/bin/sh\nexit 0\n")
    hand_out_probe(program, tmp_path / "fairway")
    copy = tmp_path / "fairway" / "bin" / "busybox"
    assert copy.read_bytes() == program.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o755


def test_an_image_without_that_program_is_told_of_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_out_probe(tmp_path / "nowhere", tmp_path / "fairway")
    assert not (tmp_path / "fairway").exists()
    assert capsys.readouterr().err.count("no program for health checks") == 1


async def test_the_task_is_called_as_ecs_calls_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"TaskARN": "arn:aws:ecs:eu-central-1:1:task/shop-prod/0123abcd"}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = {"ECS_CONTAINER_METADATA_URI_V4": f"http://127.0.0.1:{port}/v4/x"}
    assert await asyncio.to_thread(task_id, address) == "0123abcd"
    server.close()


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dance"]) == 2
    assert "usage" in capsys.readouterr().err

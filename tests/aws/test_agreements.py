"""What HCL and Python must say alike: names, keys and conditions that one sets and another uses."""

from __future__ import annotations

import re
from typing import Any

import hcl2
import pytest
from hcl2 import SerializationOptions
from tests.aws.hcl import INFRA
from tests.aws.world import APPS

from fairway.model.load import load_app
from fairway.model.views import environment_view
from fairway.targets.aws import names
from fairway.targets.aws.grants.derive import grants_of
from fairway.targets.aws.grants.grant import Grant
from fairway_runtime.agent.reporting import State, metrics, row
from fairway_runtime.agent.settings import NAMESPACE, AgentSettings
from fairway_runtime.agent.totals import Totals

pytestmark = pytest.mark.aws
REGION = INFRA / "roots" / "region"
SETTINGS = AgentSettings.from_environment({
    "FAIRWAY_APP": "shop", "FAIRWAY_ENVIRONMENT": "prod", "FAIRWAY_SERVICE": "cart",
    "FAIRWAY_VERSION": "r1", "FAIRWAY_CONFIG_BUCKET": "b", "FAIRWAY_IDENTITY_FUNCTION": "f",
})  # fmt: skip
SERVED = Totals(requests=12, errors=1, latency={1_500: 10, 250_500: 2})


def local(file: str, name: str) -> Any:
    """A local value of a file below `infra/`, as HCL writes it."""
    options = SerializationOptions(with_comments=False, strip_string_quotes=True)
    found = hcl2.loads((INFRA / file).read_text(), serialization_options=options)
    return next(block[name] for block in found["locals"] if name in block)


def module(file: str, name: str) -> dict[str, Any]:
    options = SerializationOptions(with_comments=False, strip_string_quotes=True)
    found = hcl2.loads((INFRA / file).read_text(), serialization_options=options)
    return next(block[name] for block in found["module"] if name in block)


def granted(service: str) -> tuple[Grant, ...]:
    text = (APPS["shop"] / "fairway.yaml").read_text()
    app = environment_view(load_app("fairway.yaml", text, read=str, variables={}).app, "prod")
    return grants_of(app, "prod", "eu-central-1", service)


def conditions(grant: Grant) -> dict[str, tuple[str, ...]]:
    return {each.variable: each.values for each in grant.conditions}


def test_one_namespace_of_metrics() -> None:
    (send,) = (grant for grant in granted("cart") if "cloudwatch:PutMetricData" in grant.actions)
    assert conditions(send) == {"cloudwatch:namespace": (NAMESPACE,)}
    assert local("roots/region/mesh.tf", "metrics") == NAMESPACE == names.METRICS
    assert "FAIRWAY_METRICS_NAMESPACE = local.metrics" in local("roots/region/mesh.tf", "sidecar")
    assert (
        module("roots/region/observability.tf", "observability")["metric_namespace"]
        == "${local.metrics}"
    )
    scaling = module("roots/region/services.tf", "services")["request_metric"]
    assert (scaling["namespace"], scaling["name"]) == ("${local.metrics}", "Requests")


def test_metrics_are_looked_for_under_the_dimensions_that_they_have() -> None:
    (sent,) = {tuple(d["Name"] for d in each["Dimensions"]) for each in metrics(SETTINGS, SERVED)}
    alarms = local("modules/observability/main.tf", "dimensions")
    assert tuple(re.findall(r"(\w+) = ", alarms)) == sent
    searches = local("modules/observability/dashboard.tf", "searches")
    assert ",".join(("{${var.metric_namespace}", *sent)) + "}" in searches
    scaling = set(
        module("roots/region/services.tf", "services")["request_metric"]["dimensions"]
    ) | {"Service", "Version"}  # those of module ecs-service, which has a test of its own
    assert scaling == set(sent)


def test_latencies_keep_their_distribution_in_milliseconds() -> None:
    """Percentiles and TC() need values, not sums; limits in the HCL are seconds times 1000."""
    (latency,) = (e for e in metrics(SETTINGS, SERVED) if e["MetricName"] == "Latency")
    assert (latency["Values"], latency["Counts"]) == ([1.5, 250.5], [10.0, 2.0])
    assert latency["Unit"] == "Milliseconds"
    assert "TC(${slo.p95 * 1000}:)" in local("modules/observability/burn_rates.tf", "objectives")


def test_the_table_of_telemetry_has_the_keys_that_agents_write() -> None:
    table = module("roots/region/mesh.tf", "telemetry_table")
    item = row(SETTINGS, "task", State(), SERVED, 1_000.0)
    assert table["name"].replace("${var.name}", "shop-prod") == names.telemetry_table(
        "shop", "prod"
    )
    keys = (table.get("hash_key", {"name": "pk"})["name"], table["range_key"]["name"])
    assert {*keys, table["ttl_attribute"]} == {"pk", "sk", "ttl"} <= item.keys()


def test_publishers_are_granted_what_the_rule_of_the_topic_admits() -> None:
    (publish,) = (grant for grant in granted("cart") if grant.resource.kind == "bus")
    admitted = local("modules/events/main.tf", "sources")
    assert "${var.name}.${publisher}" in admitted
    assert conditions(publish) == {
        "events:source": (names.event_source("shop", "prod", "cart"),),
        "events:detail-type": ("ordered",),
    }
    told = local("roots/region/data.tf", "topic_variables")
    assert 'FAIRWAY_EVENT_SOURCE = "${var.name}.${service}"' in told

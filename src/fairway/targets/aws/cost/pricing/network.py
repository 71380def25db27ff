"""Ways in and out: load balancers, gateways, endpoints, addresses, names, content delivery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.targets.aws.cost.items import Context, Item, Pricer
from fairway.targets.aws.cost.planned import ENVIRONMENT, Resource
from fairway.targets.aws.cost.usage import GB, HOURS

_ZONES = 3
_LCU_GIGABYTES_AN_HOUR = 1.0
"""What one capacity unit carries in an hour (Elastic Load Balancing pricing)."""


def _nat(resource: Resource, context: Context) -> Iterator[Item]:
    yield Item("NAT gateway", HOURS, "nat-gateway")
    yield Item("its public address", HOURS, "public-ipv4")
    gateways = len(context.beside(resource, "aws_nat_gateway")) or 1
    if traffic := context.usage.gigabytes(ENVIRONMENT, "nat"):
        yield Item("traffic through it", traffic / gateways, "nat-traffic", assumed=True)


def _endpoint(resource: Resource, _context: Context) -> Iterator[Item]:
    """Endpoints of the kind Gateway (S3, DynamoDB) cost nothing."""
    if resource.values.get("vpc_endpoint_type") == "Interface":
        zones = len(resource.values.get("subnet_ids") or ()) or _ZONES
        what = str(resource.values.get("service_name", "")).rpartition(".")[2]
        yield Item(f"endpoint of {what} in {zones} zones", HOURS * zones, "interface-endpoint")


def _balancer(resource: Resource, context: Context) -> Iterator[Item]:
    usage = context.usage
    yield Item("load balancer", HOURS, "load-balancer")
    if resource.values.get("internal"):
        return
    zones = len(resource.values.get("subnets") or ()) or _ZONES
    yield Item(f"its public addresses in {zones} zones", HOURS * zones, "public-ipv4")
    answered = sum(usage.responses(subject) for subject in usage.subjects)
    if answered:
        units = answered / _LCU_GIGABYTES_AN_HOUR
        yield Item("what it carries", units, "load-balancer-unit", assumed=True)
        yield Item("answers to the internet", answered, "transfer-out", assumed=True)


def _vpc(_resource: Resource, context: Context) -> Iterator[Item]:
    if more := context.usage.gigabytes(ENVIRONMENT, "egress"):
        yield Item("other traffic to the internet", more, "transfer-out", assumed=True)


def _zone(_resource: Resource, _context: Context) -> Iterator[Item]:
    yield Item("zone of names", 1, "dns-zone")


def _health_check(_resource: Resource, _context: Context) -> Iterator[Item]:
    yield Item("health check for failover", 1, "health-check-https")


def _firewall(resource: Resource, context: Context) -> Iterator[Item]:
    rules = len(resource.values.get("rule") or ())
    yield Item("firewall", 1, "firewall")
    yield Item(f"its {rules} rules", rules, "firewall-rule")
    usage = context.usage
    requests = sum(usage.of(subject, "requests") for subject in usage.subjects)
    if requests:
        yield Item("requests that it looks at", requests / 1e6, "firewall-request", assumed=True)


def _distribution(resource: Resource, context: Context) -> Iterator[Item]:
    usage, subject = context.usage, resource.subject
    if requests := usage.of(subject, "requests"):
        yield Item("requests", requests / 1e4, "cdn-request", assumed=True)
        answered = requests * usage.of(subject, "response") / GB
        yield Item("answers to the internet", answered, "cdn-traffic", assumed=True)


NETWORK: Mapping[str, Pricer] = {
    "aws_nat_gateway": _nat,
    "aws_vpc_endpoint": _endpoint,
    "aws_lb": _balancer,
    "aws_vpc": _vpc,
    "aws_eip": lambda _resource, _context: (),  # counted with what uses it
    "aws_route53_zone": _zone,
    "aws_route53_health_check": _health_check,
    "aws_wafv2_web_acl": _firewall,
    "aws_cloudfront_distribution": _distribution,
}

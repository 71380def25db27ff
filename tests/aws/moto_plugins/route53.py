"""Route 53: a zone that is made with a network is private.

Mended: moto takes for private only what says so, which AWS does not ask for.
"""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.route53.responses import Route53 as Response


def install() -> None:
    create = Response.create_hosted_zone

    def create_hosted_zone(self: Response) -> ActionResult:
        made = create(self)
        zone = made.result["HostedZone"]  # type: ignore[index]
        network = self._get_param("VPC.VPCId")
        if network and not zone.private_zone:
            zone.private_zone = True
            zone.add_vpc(network, self._get_param("VPC.VPCRegion"))
        return made

    Response.create_hosted_zone = create_hosted_zone

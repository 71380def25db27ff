# Target groups of one service: one for each slot. A load balancer's rule divides requests among slots, and a version
# holds one slot for as long as it stands; a new version takes a free one.
#
# Apart from ecs-service, because the rules of a load balancer name the groups and the ECS services wait for the rules.

locals {
  # Within the bounds that AWS sets.
  interval = min(300, max(5, ceil(var.health.interval)))
  timeout  = min(120, max(2, ceil(var.health.timeout)))
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378:The gateway's is HTTPS; a service outside the mesh has no certificate, and its security group admits the load balancer alone.
  for_each = var.slots

  name                 = each.value
  vpc_id               = var.vpc_id
  target_type          = "ip"
  port                 = var.port
  protocol             = var.protocol
  protocol_version     = var.protocol_version
  deregistration_delay = var.deregistration_delay

  # Slow replicas get less: the load balancer sends to whoever has the fewest requests under way.
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    enabled             = true
    protocol            = coalesce(var.health.protocol, var.protocol)
    path                = coalesce(var.health.path, "/")
    port                = var.health.port
    matcher             = var.protocol_version == "GRPC" ? "0" : "200-299"
    interval            = local.interval
    timeout             = min(local.timeout, local.interval - 1)
    healthy_threshold   = min(10, max(2, var.health.healthy))
    unhealthy_threshold = min(10, max(2, var.health.unhealthy))
  }

  tags = merge(var.tags, { Name = each.value, slot = each.key })
}

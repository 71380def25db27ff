# Target groups: one for each slot. A load balancer's rule divides requests among slots, and a version holds one slot
# for as long as it stands; a new version takes a free one.

resource "aws_lb_target_group" "this" {
  for_each = try(var.load_balancer.slots, {})

  name                 = each.value
  vpc_id               = var.load_balancer.vpc_id
  target_type          = "ip"
  port                 = var.port
  protocol             = var.load_balancer.protocol
  protocol_version     = var.load_balancer.protocol_version
  deregistration_delay = var.load_balancer.deregistration_delay

  # Slow replicas get less: the load balancer sends to whoever has the fewest requests under way.
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    enabled             = true
    protocol            = var.load_balancer.protocol
    path                = coalesce(var.load_balancer.health_path, var.health.path, "/")
    port                = var.load_balancer.health_port
    matcher             = var.load_balancer.protocol_version == "GRPC" ? "0" : "200-299"
    interval            = local.health.interval
    timeout             = min(local.health.timeout, local.health.interval - 1)
    healthy_threshold   = min(10, max(2, var.health.healthy))
    unhealthy_threshold = min(10, max(2, var.health.unhealthy))
  }

  tags = merge(var.tags, { Name = each.value, slot = each.key })

  lifecycle {
    create_before_destroy = false
  }
}

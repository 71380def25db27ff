# One ECS service for each version. Versions stand side by side, so that the mesh or a load balancer can divide
# requests among them; a version that leaves the map is retired.

locals {
  runs_forever = var.kind != "job"
  services     = local.runs_forever ? var.versions : {}

  names = { for version in keys(var.versions) : version => version == "" ? var.name : "${var.name}-${version}" }

  # Where a load balancer connects: to the app, or to the sidecar if it is all there is (the gateway).
  entrance = { for version, it in var.versions : version => it.image == null ? "envoy" : "app" }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/fairway/${var.full_name}"
  retention_in_days = var.log_retention
  kms_key_id        = var.kms_key_arn

  tags = merge(var.tags, { Name = "/fairway/${var.full_name}" })
}

resource "aws_ecs_service" "this" {
  for_each = local.services

  name                   = local.names[each.key]
  cluster                = var.cluster_arn
  task_definition        = aws_ecs_task_definition.this[each.key].arn
  desired_count          = each.value.replicas
  platform_version       = "LATEST"
  enable_execute_command = var.enable_execute_command
  wait_for_steady_state  = var.wait_for_steady_state

  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  # Without it a change of the spot percentage would replace the service instead of updating it.
  force_new_deployment = true

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = var.load_balancer == null ? null : local.health.start

  # Written out: the default for a new service differs between the API (on) and provider 5 (off).
  availability_zone_rebalancing = "ENABLED"

  deployment_circuit_breaker {
    enable   = var.circuit_breaker
    rollback = var.circuit_breaker
  }

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = 1
    weight            = 100 - var.spot_percent
  }

  dynamic "capacity_provider_strategy" {
    for_each = var.spot_percent > 0 ? ["FARGATE_SPOT"] : []

    content {
      capacity_provider = capacity_provider_strategy.value
      weight            = var.spot_percent
    }
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = var.security_group_ids
    assign_public_ip = false
  }

  dynamic "service_registries" {
    for_each = var.discovery == null ? [] : [aws_service_discovery_service.this[each.key].arn]

    content {
      registry_arn = service_registries.value
    }
  }

  dynamic "load_balancer" {
    for_each = var.load_balancer == null ? [] : [var.load_balancer.groups[each.value.slot].arn]

    content {
      target_group_arn = load_balancer.value
      container_name   = local.entrance[each.key]
      container_port   = local.ports[each.key]
    }
  }

  tags = merge(var.tags, { Name = local.names[each.key], version = each.key })

  lifecycle {
    ignore_changes = [desired_count]

    # Also makes the service wait for the rules (see the variable).
    precondition {
      condition     = var.load_balancer == null || length(var.listener_rule_arns) > 0
      error_message = "Service ${var.name} has target groups, but listener_rule_arns names no rule that forwards to them."
    }
  }
}

# Every version follows its own load: during a canary the old and the new one have very different ones.

locals {
  scaled = var.scaling == null ? {} : local.services

  # Percent of the task's CPU or memory.
  utilization = merge([
    for version in keys(local.scaled) : {
      for metric, target in { CPU = var.scaling.cpu, Memory = var.scaling.memory } :
      "${version}.${lower(metric)}" => { version = version, metric = metric, target = target } if target != null
    }
  ]...)

  # Requests a minute: in the mesh the sidecars count them, elsewhere the load balancer.
  by_requests      = try(var.scaling.requests, null) != null
  by_mesh_requests = local.by_requests && var.load_balancer == null

  per_replica = merge([
    for version in keys(local.scaled) : {
      for metric in [
        local.by_mesh_requests ? {
          label      = "requests"
          target     = var.scaling.requests * 60
          namespace  = var.request_metric.namespace
          name       = var.request_metric.name
          stat       = "Sum"
          dimensions = merge(var.request_metric.dimensions, { Service = var.name, Version = version })
        } : null,
        try(var.scaling.queue_depth, null) != null ? {
          label      = "queue-depth"
          target     = var.scaling.queue_depth.per_replica
          namespace  = "AWS/SQS"
          name       = "ApproximateNumberOfMessagesVisible"
          stat       = "Average"
          dimensions = { QueueName = var.scaling.queue_depth.queue_name }
        } : null,
      ] : "${version}.${metric.label}" => { version = version, metric = metric } if metric != null
    }
  ]...)

  schedule = merge([
    for version in keys(local.scaled) : {
      for at in var.scaling.schedule : "${version}.${at.name}" => merge(at, { version = version })
    }
  ]...)
}

resource "aws_appautoscaling_target" "this" {
  for_each = local.scaled

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster_name}/${aws_ecs_service.this[each.key].name}"

  # A canary may be smaller than the least that the service has when it is settled.
  min_capacity = min(var.scaling.min, each.value.replicas)
  max_capacity = max(var.scaling.max, each.value.replicas)

  tags = merge(var.tags, { Name = local.names[each.key], version = each.key })
}

resource "aws_appautoscaling_policy" "utilization" {
  for_each = local.utilization

  name               = "${local.names[each.value.version]}-${lower(each.value.metric)}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.value.version].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.value.version].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.value.version].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverage${each.value.metric}Utilization"
    }
  }
}

resource "aws_appautoscaling_policy" "target_requests" {
  for_each = local.by_requests && var.load_balancer != null ? local.scaled : {}

  name               = "${local.names[each.key]}-requests"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.scaling.requests * 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${var.load_balancer_arn_suffix}/${var.load_balancer.groups[each.value.slot].arn_suffix}"
    }
  }
}

# What has no ready-made metric: a count, divided by the replicas that run.
resource "aws_appautoscaling_policy" "per_replica" {
  for_each = local.per_replica

  name               = "${local.names[each.value.version]}-${each.value.metric.label}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.value.version].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.value.version].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.value.version].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.metric.target
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    customized_metric_specification {
      metrics {
        id          = "per_replica"
        label       = "${each.value.metric.label} for each replica"
        expression  = "load / replicas"
        return_data = true
      }

      metrics {
        id          = "load"
        return_data = false

        metric_stat {
          stat = each.value.metric.stat

          metric {
            namespace   = each.value.metric.namespace
            metric_name = each.value.metric.name

            dynamic "dimensions" {
              for_each = each.value.metric.dimensions

              content {
                name  = dimensions.key
                value = dimensions.value
              }
            }
          }
        }
      }

      metrics {
        id          = "replicas"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"

            dimensions {
              name  = "ClusterName"
              value = var.cluster_name
            }

            dimensions {
              name  = "ServiceName"
              value = local.names[each.value.version]
            }
          }
        }
      }
    }
  }
}

# A scheduled action moves the bounds of the target; an apply in between sets them back until the next time.
resource "aws_appautoscaling_scheduled_action" "this" {
  for_each = local.schedule

  name               = "${local.names[each.value.version]}-${each.value.name}"
  service_namespace  = aws_appautoscaling_target.this[each.value.version].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.value.version].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.value.version].resource_id
  schedule           = "cron(${each.value.cron})"
  timezone           = each.value.timezone

  scalable_target_action {
    min_capacity = each.value.min
    max_capacity = each.value.max
  }
}

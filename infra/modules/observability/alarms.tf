locals {
  usage = {
    cpu    = { metric = "CPUUtilization", percent = var.cpu_percent }
    memory = { metric = "MemoryUtilization", percent = var.memory_percent }
  }

  usage_alarms = merge([
    for key, version in local.versions : {
      for kind, usage in local.usage : "${key}-${kind}" => merge(version, usage, { kind = kind })
    }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "usage" {
  for_each = local.usage_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "Tasks of ${each.value.ecs_service} use over ${each.value.percent} % of their ${each.value.kind}."
  namespace           = "AWS/ECS"
  metric_name         = each.value.metric
  dimensions          = { ClusterName = each.value.cluster, ServiceName = each.value.ecs_service }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 8
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.percent
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}

# Fewer tasks run than should: they crash, fail their health check, or cannot be placed.
resource "aws_cloudwatch_metric_alarm" "missing_tasks" {
  for_each = local.versions

  alarm_name          = "${var.name}-${each.key}-tasks"
  alarm_description   = "Fewer tasks of ${each.value.ecs_service} run than should."
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags

  metric_query {
    id          = "missing"
    label       = "missing tasks"
    expression  = "desired - running"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { desired = "DesiredTaskCount", running = "RunningTaskCount" }

    content {
      id = metric_query.key

      metric {
        namespace   = "ECS/ContainerInsights"
        metric_name = metric_query.value
        stat        = "Average"
        period      = 60
        dimensions  = { ClusterName = each.value.cluster, ServiceName = each.value.ecs_service }
      }
    }
  }
}

# Services without an SLO are watched too: by the share of failed requests.
resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = local.versions

  alarm_name          = "${var.name}-${each.key}-errors"
  alarm_description   = "Over ${var.error_percent} % of the requests to ${each.value.service} (${each.value.version}) fail."
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.error_percent
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags

  metric_query {
    id          = "failed"
    label       = "percent of requests that fail"
    expression  = "IF(requests >= ${var.minimum_requests}, 100 * FILL(errors, 0) / requests, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { errors = "Errors", requests = "Requests" }

    content {
      id = metric_query.key

      metric {
        namespace   = var.metric_namespace
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 60
        dimensions  = local.dimensions[each.key]
      }
    }
  }
}

locals {
  alarms = {
    cpu = {
      description = "uses over 85 % of the CPU of its one engine thread"
      metric      = "EngineCPUUtilization"
      threshold   = 85
    }
    memory = {
      description = "has used over 90 % of its memory: keys are evicted, or writes refused"
      metric      = "DatabaseMemoryUsagePercentage"
      threshold   = 90
    }
    logons = {
      description = "refuses log-ons: a service has the wrong user or token"
      metric      = "AuthenticationFailures"
      threshold   = 10
    }
  }

  # ElastiCache measures by node, not by group; it numbers the nodes of a group.
  nodes = [for number in range(1, var.replicas + 2) : format("%s-%03d", aws_elasticache_replication_group.this.id, number)]

  node_alarms = merge([
    for number in range(var.replicas + 1) : {
      for kind, alarm in local.alarms : format("%s-%03d", kind, number + 1) => merge(alarm, { node = local.nodes[number] })
    }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.node_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "The node ${each.value.node} of the cache ${var.name} ${each.value.description}."
  namespace           = "AWS/ElastiCache"
  metric_name         = each.value.metric
  dimensions          = { CacheClusterId = each.value.node }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}

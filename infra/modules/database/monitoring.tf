data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

# 64 characters at most; where a digest replaces the end, two long names stay two.
locals {
  long_monitoring_role = "${var.name}-monitoring-${var.region}"
  monitoring_role = (
    length(local.long_monitoring_role) <= 64 ? local.long_monitoring_role
    : format("%s-%s", replace(substr(local.long_monitoring_role, 0, 57), "/-+$/", ""), substr(sha256(local.long_monitoring_role), 0, 6))
  )
}

resource "aws_iam_role" "monitoring" {
  name                 = local.monitoring_role
  assume_role_policy   = data.aws_iam_policy_document.monitoring_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

data "aws_iam_policy_document" "monitoring_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

locals {
  gib = 1024 * 1024 * 1024

  alarms = {
    cpu = {
      description = "uses over 85 % of its CPU: look at its slowest queries, then at its instance class"
      metric      = "CPUUtilization"
      comparison  = "GreaterThanThreshold"
      threshold   = 85
    }
    storage = {
      description = "has less than a tenth of its first disk left and may have grown as far as it can"
      metric      = "FreeStorageSpace"
      comparison  = "LessThanThreshold"
      threshold   = max(1, var.storage_gib / 10) * local.gib
    }
    memory = {
      description = "has less than 100 MiB of memory left: queries will soon be written to disk"
      metric      = "FreeableMemory"
      comparison  = "LessThanThreshold"
      threshold   = 100 * 1024 * 1024
    }
  }

  replica_alarms = {
    lag = {
      description = "is more than five minutes behind its source"
      metric      = "ReplicaLag"
      comparison  = "GreaterThanThreshold"
      threshold   = 300
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = merge(local.alarms, local.replica ? local.replica_alarms : {})

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "The database ${var.name} ${each.value.description}."
  namespace           = "AWS/RDS"
  metric_name         = each.value.metric
  dimensions          = { DBInstanceIdentifier = aws_db_instance.this.identifier }
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = "missing"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}

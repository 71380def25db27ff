locals {
  # One entry for every version of every service, keyed "<service>-<version>".
  versions = merge([
    for service, settings in var.services : {
      for version, ecs_service in settings.versions :
      "${service}-${version}" => {
        service     = service
        version     = version
        cluster     = settings.cluster
        ecs_service = ecs_service
      }
    }
  ]...)

  # What our agents put on every metric. CloudWatch finds a metric by all of its dimensions or not at
  # all, hence alarms name every version.
  dimensions = {
    for key, version in local.versions : key => {
      App         = var.app
      Environment = var.environment
      Service     = version.service
      Version     = version.version
    }
  }

  log_groups = { for service, settings in var.services : service => settings.log_group }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
  tags              = merge(var.tags, { Name = "${var.name}-alarms" })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alarm_emails)

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.alarms.json
}

data "aws_iam_policy_document" "alarms" {
  statement {
    sid       = "OnlyAlarmsOfThisAccount"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]

    principals {
      type = "Service"
      identifiers = [
        "backup.amazonaws.com",
        "cloudwatch.amazonaws.com",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

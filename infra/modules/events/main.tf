locals {
  # One queue for every pair of a topic and a subscriber, keyed "<topic>.<subscriber>".
  subscriptions = merge([
    for topic, settings in var.topics : {
      for subscriber in settings.subscribers :
      "${topic}.${subscriber}" => {
        topic             = topic
        subscriber        = subscriber
        retention_seconds = settings.retention_seconds
      }
    }
  ]...)

  # A source on the bus: the rule of a topic admits only those of its publishers.
  sources = {
    for topic, settings in var.topics :
    topic => [for publisher in settings.publishers : "${var.name}.${publisher}"]
  }

  longest_sqs_retention = 1209600
  archive_days          = ceil(max(86400, values(var.topics)[*].retention_seconds...) / 86400)
}

data "aws_caller_identity" "current" {}

resource "aws_cloudwatch_event_bus" "this" {
  name               = var.name
  description        = "Events of ${var.name}"
  kms_key_identifier = var.kms_key_arn
  tags               = var.tags

  # Gets the events that the bus cannot encrypt or decrypt.
  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }
}

resource "aws_cloudwatch_event_archive" "this" {
  name             = substr("${var.name}-archive", 0, 48)
  description      = "Every event of ${var.name}, to be replayed"
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  retention_days   = local.archive_days
}

resource "aws_cloudwatch_event_rule" "topic" {
  for_each = var.topics

  name           = substr("${var.name}-${each.key}", 0, 64)
  description    = "Events of the topic ${each.key}"
  event_bus_name = aws_cloudwatch_event_bus.this.name
  tags           = var.tags

  event_pattern = jsonencode({
    source      = local.sources[each.key]
    detail-type = [each.key]
  })
}

resource "aws_cloudwatch_event_target" "topic" {
  for_each = var.topics

  rule           = aws_cloudwatch_event_rule.topic[each.key].name
  event_bus_name = aws_cloudwatch_event_bus.this.name
  target_id      = "topic"
  arn            = aws_sns_topic.this[each.key].arn

  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }
}

resource "aws_sns_topic" "this" {
  for_each = var.topics

  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.kms_key_arn
  tags              = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_sns_topic_policy" "this" {
  for_each = var.topics

  arn    = aws_sns_topic.this[each.key].arn
  policy = data.aws_iam_policy_document.topic[each.key].json
}

data "aws_iam_policy_document" "topic" {
  for_each = var.topics

  # Without a condition: AWS documents none that EventBridge meets at a topic. Its rules reach topics of other accounts
  # by a role only, never as the service, so this admits the rules of this account.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
  statement {
    sid       = "OnlyRules"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[each.key].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[each.key].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

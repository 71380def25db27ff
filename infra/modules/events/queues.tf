resource "aws_sqs_queue" "this" {
  for_each = local.subscriptions

  name                       = "${var.name}-${each.value.topic}-${each.value.subscriber}"
  kms_master_key_id          = var.kms_key_arn
  message_retention_seconds  = min(each.value.retention_seconds, local.longest_sqs_retention)
  visibility_timeout_seconds = var.visibility_timeout
  receive_wait_time_seconds  = 20
  tags                       = merge(var.tags, { Name = "${var.name}-${each.value.topic}-${each.value.subscriber}" })

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter[each.key].arn
    maxReceiveCount     = var.max_receives
  })
}

resource "aws_sqs_queue" "dead_letter" {
  for_each = local.subscriptions

  name                      = "${var.name}-${each.value.topic}-${each.value.subscriber}-dlq"
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = local.longest_sqs_retention
  tags                      = merge(var.tags, { Name = "${var.name}-${each.value.topic}-${each.value.subscriber}-dlq" })
}

resource "aws_sqs_queue_redrive_allow_policy" "this" {
  for_each = local.subscriptions

  queue_url = aws_sqs_queue.dead_letter[each.key].id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this[each.key].arn]
  })
}

resource "aws_sqs_queue" "undelivered" {
  name                      = "${var.name}-undelivered"
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = local.longest_sqs_retention
  tags                      = merge(var.tags, { Name = "${var.name}-undelivered" })
}

resource "aws_sns_topic_subscription" "this" {
  for_each = local.subscriptions

  topic_arn            = aws_sns_topic.this[each.value.topic].arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.this[each.key].arn
  raw_message_delivery = true

  # What the topic cannot put into the queue waits beside what the subscriber could not handle.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter[each.key].arn
  })

  depends_on = [aws_sqs_queue_policy.this, aws_sqs_queue_policy.dead_letter]
}

resource "aws_sqs_queue_policy" "this" {
  for_each = local.subscriptions

  queue_url = aws_sqs_queue.this[each.key].id
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

resource "aws_sqs_queue_policy" "dead_letter" {
  for_each = local.subscriptions

  queue_url = aws_sqs_queue.dead_letter[each.key].id
  policy    = data.aws_iam_policy_document.dead_letter[each.key].json
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.id
  policy    = data.aws_iam_policy_document.undelivered.json
}

data "aws_iam_policy_document" "queue" {
  for_each = local.subscriptions

  statement {
    sid       = "OnlyTheTopic"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.this[each.key].arn]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_sns_topic.this[each.value.topic].arn]
    }
  }
}

data "aws_iam_policy_document" "dead_letter" {
  for_each = local.subscriptions

  statement {
    sid       = "OnlyTheTopic"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letter[each.key].arn]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_sns_topic.this[each.value.topic].arn]
    }
  }
}

data "aws_iam_policy_document" "undelivered" {
  statement {
    sid       = "OnlyTheBus"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.undelivered.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    # The ARN of a bus names its rules' ARNs as well: rule/<bus>/<rule>.
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values = [
        "arn:${data.aws_partition.current.partition}:events:*:${data.aws_caller_identity.current.account_id}:event-bus/${var.name}",
        "arn:${data.aws_partition.current.partition}:events:*:${data.aws_caller_identity.current.account_id}:rule/${var.name}/*",
      ]
    }
  }
}

data "aws_partition" "current" {}

# The bus, topics and queues.

locals {
  events = {
    Route = {
      actions = [
        "events:CreateArchive", "events:CreateEventBus", "events:DeleteArchive", "events:DeleteEventBus",
        "events:DeleteRule", "events:DescribeArchive", "events:DescribeEventBus", "events:DescribeRule",
        "events:ListTagsForResource", "events:ListTargetsByRule", "events:PutRule", "events:PutTargets",
        "events:RemoveTargets", "events:TagResource", "events:UntagResource", "events:UpdateArchive",
        "events:UpdateEventBus",
      ]
      resources = [
        "${local.arn.events}:archive/${var.name}*",
        "${local.arn.events}:event-bus/${var.name}",
        "${local.arn.events}:rule/${var.name}*",
      ]
    }
    Announce = {
      actions = [
        "sns:CreateTopic", "sns:DeleteTopic", "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource", "sns:SetSubscriptionAttributes",
        "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:Unsubscribe", "sns:UntagResource",
      ]
      resources = ["${local.arn.sns}:${var.name}-*"]
    }
    Queue = {
      actions = [
        "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags",
        "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue",
      ]
      resources = ["${local.arn.sqs}:${var.name}-*"]
    }
  }
}

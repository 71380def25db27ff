mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:111122223333:topic" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:111122223333:queue" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:111122223333:rule/shop-prod/rule" }
  }

  mock_resource "aws_cloudwatch_event_bus" {
    defaults = { arn = "arn:aws:events:eu-central-1:111122223333:event-bus/shop-prod" }
  }
}

variables {
  name        = "shop-prod"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"

  topics = {
    orders = {
      retention_seconds = 2592000
      publishers        = ["checkout"]
      subscribers       = ["billing", "mailer"]
    }
    payments = {
      retention_seconds = 3600
      publishers        = ["billing"]
      subscribers       = ["checkout"]
    }
  }
}

run "a_queue_for_every_subscriber" {
  command = apply

  assert {
    condition     = keys(output.queue_arns) == ["orders.billing", "orders.mailer", "payments.checkout"]
    error_message = "Every pair of topic and subscriber has a queue."
  }

  assert {
    condition     = keys(output.dlq_arns) == keys(output.queue_arns)
    error_message = "Every queue has a dead-letter queue."
  }

  assert {
    condition = alltrue([
      for queue in values(aws_sqs_queue.this) : jsondecode(queue.redrive_policy).maxReceiveCount == 5
    ])
    error_message = "After five deliveries a message goes to the dead-letter queue."
  }

  assert {
    condition = alltrue([
      for policy in values(aws_sqs_queue_redrive_allow_policy.this) :
      jsondecode(policy.redrive_allow_policy).redrivePermission == "byQueue"
    ])
    error_message = "Only its own queue may use a dead-letter queue."
  }

  assert {
    condition     = aws_sqs_queue.this["orders.billing"].message_retention_seconds == 1209600
    error_message = "SQS keeps messages for 14 days at most."
  }

  assert {
    condition     = aws_sqs_queue.this["payments.checkout"].message_retention_seconds == 3600
    error_message = "A shorter retention is kept as declared."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.dead_letters) == 4
    error_message = "Every dead-letter queue has an alarm, that of the bus too."
  }
}

run "only_publishers_of_a_topic_reach_it" {
  command = apply

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.topic["orders"].event_pattern).source == ["shop-prod.checkout"]
    error_message = "The rule admits the declared publishers alone."
  }

  assert {
    condition = alltrue([
      for document in values(data.aws_iam_policy_document.topic) :
      [for statement in document.statement : statement.sid if length(statement.condition) == 0] == ["OnlyRules"]
    ])
    error_message = "EventBridge meets no condition at a topic, and everybody else does."
  }

  assert {
    condition = alltrue([
      for document in values(data.aws_iam_policy_document.queue) :
      one(document.statement).actions == toset(["sqs:SendMessage"]) && one(one(document.statement).condition).variable == "aws:SourceArn"
    ])
    error_message = "Nothing but its topic may send to a queue."
  }
}

run "encrypted_and_archived" {
  command = apply

  assert {
    condition = alltrue(concat(
      [for topic in values(aws_sns_topic.this) : topic.kms_master_key_id == var.kms_key_arn],
      [for queue in values(aws_sqs_queue.this) : queue.kms_master_key_id == var.kms_key_arn],
      [for queue in values(aws_sqs_queue.dead_letter) : queue.kms_master_key_id == var.kms_key_arn],
      [aws_cloudwatch_event_bus.this.kms_key_identifier == var.kms_key_arn],
    ))
    error_message = "Events are encrypted with the given key everywhere."
  }

  assert {
    condition     = aws_cloudwatch_event_archive.this.retention_days == 30
    error_message = "The archive keeps events as long as the most patient topic."
  }
}

run "a_topic_needs_a_publisher" {
  command = plan

  variables {
    topics = { orders = { subscribers = ["billing"] } }
  }

  expect_failures = [var.topics]
}

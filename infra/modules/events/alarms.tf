# A message in a dead-letter queue was lost to its subscriber: somebody has to look.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = merge(
    { for key, queue in aws_sqs_queue.dead_letter : key => queue.name },
    { undelivered = aws_sqs_queue.undelivered.name },
  )

  alarm_name          = "${each.value}-not-empty"
  alarm_description   = "Messages wait in ${each.value}: read one, mend the subscriber, redrive the queue."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}

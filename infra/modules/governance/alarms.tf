locals {
  alarms = {
    errors = {
      description = "Decisions fail, and what asks for them is refused."
      metric      = "Errors"
      statistic   = "Sum"
      threshold   = 0
    }
    throttles = {
      description = "More decisions are asked for at once than the ${var.concurrency} that are allowed."
      metric      = "Throttles"
      statistic   = "Sum"
      threshold   = 0
    }
    concurrency = {
      description = "Four fifths of the allowed concurrency are in use."
      metric      = "ConcurrentExecutions"
      statistic   = "Maximum"
      threshold   = floor(var.concurrency * 0.8)
    }
    duration = {
      description = "The slowest decisions take over half of their time limit."
      metric      = "Duration"
      statistic   = "Maximum"
      threshold   = var.timeout * 500
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.function_name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}

output "dashboard_name" {
  description = "Name of the dashboard with the first services; further ones end in -2, -3 and so on."
  value       = var.name
}

output "dashboard_names" {
  description = "Names of all dashboards."
  value       = keys(aws_cloudwatch_dashboard.this)
}

output "alarm_topic_arn" {
  description = "ARN of the topic that alarms go to; other modules' alarms too."
  value       = aws_sns_topic.alarms.arn
}

output "alarm_names" {
  description = "Names of all alarms that tell somebody."
  value = sort(concat(
    [for alarm in aws_cloudwatch_composite_alarm.burn : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.usage : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.missing_tasks : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.errors : alarm.alarm_name],
  ))
}

output "query_names" {
  description = "Names of the saved queries of Logs Insights."
  value       = sort([for query in aws_cloudwatch_query_definition.this : query.name])
}

output "export_stream_arn" {
  description = "ARN of the delivery stream that exports logs; null without an export."
  value       = one(aws_kinesis_firehose_delivery_stream.export[*].arn)
}

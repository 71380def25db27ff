output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "alias_arn" {
  description = "ARN of the alias that callers invoke."
  value       = aws_lambda_alias.live.arn
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "policy_sets_table_name" {
  description = "Name of the table of policy sets (keys: environment, version)."
  value       = module.policy_sets.name
}

output "policy_sets_table_arn" {
  description = "ARN of the table of policy sets."
  value       = module.policy_sets.arn
}

output "audit_table_name" {
  description = "Name of the table of audit entries (keys: day, entry; expires)."
  value       = module.audit.name
}

output "audit_table_arn" {
  description = "ARN of the table of audit entries."
  value       = module.audit.arn
}

output "api_url" {
  description = "URL of POST /api/v1/decide; null without an API."
  value       = var.api ? "${aws_apigatewayv2_api.this[0].api_endpoint}/api/v1/decide" : null
}

output "api_arn" {
  description = "What a caller's policy names in `execute-api:Invoke`; null without an API."
  value       = var.api ? "${aws_apigatewayv2_api.this[0].execution_arn}/*/POST/api/v1/decide" : null
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

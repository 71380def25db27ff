output "endpoint" {
  description = "Host name of the primary, for reads and writes."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "reader_endpoint" {
  description = "Host name of the replicas, for reads."
  value       = aws_elasticache_replication_group.this.reader_endpoint_address
}

output "port" {
  description = "Port that it listens on."
  value       = var.port
}

output "arn" {
  description = "ARN of the replication group."
  value       = aws_elasticache_replication_group.this.arn
}

output "user_arns" {
  description = "ARN of every user by name; `elasticache:Connect` needs it beside the group's ARN."
  value       = { for name, user in aws_elasticache_user.this : name => user.arn }
}

output "user_names" {
  description = "Name with which every user logs on, by its key in `users`."
  value       = { for name, user in aws_elasticache_user.this : name => user.user_name }
}

output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "identifier" {
  description = "Identifier of the instance."
  value       = aws_db_instance.this.identifier
}

output "arn" {
  description = "ARN of the instance: the `replicate_source_arn` of a replica."
  value       = aws_db_instance.this.arn
}

output "endpoint" {
  description = "Host name of the instance."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port that it listens on."
  value       = aws_db_instance.this.port
}

output "database" {
  description = "Name of the first database."
  value       = var.database
}

output "master_username" {
  description = "Name of the master user."
  value       = var.master_username
}

output "resource_id" {
  description = "Id by which permissions to log on name the instance: arn:aws:rds-db:<region>:<account>:dbuser:<id>/<user>."
  value       = aws_db_instance.this.resource_id
}

output "master_secret_arn" {
  description = "ARN of the secret with the master user's password; null where RDS does not keep it: for a replica, and what is replicated."
  value       = local.managed ? try(aws_db_instance.this.master_user_secret[0].secret_arn, null) : null
}

output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

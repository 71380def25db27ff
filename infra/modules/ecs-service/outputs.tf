output "service_names" {
  description = "Names of the ECS services, by version; a job has none."
  value       = { for version, service in aws_ecs_service.this : version => service.name }
}

output "service_arns" {
  description = "ARNs of the ECS services, by version; a job has none."
  value       = { for version, service in aws_ecs_service.this : version => service.id }
}

output "task_definition_arns" {
  description = "ARNs of the task definitions with their revision, by version."
  value       = { for version, task in aws_ecs_task_definition.this : version => task.arn }
}

output "discovery_service_arns" {
  description = "ARNs of the Cloud Map services, by version."
  value       = { for version, service in aws_service_discovery_service.this : version => service.arn }
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "log_group_arn" {
  description = "ARN of the log group."
  value       = aws_cloudwatch_log_group.this.arn
}

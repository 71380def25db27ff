output "cluster_arn" {
  description = "ARN of the cluster; known when it has its capacity providers."
  value       = aws_ecs_cluster.this.arn
  depends_on  = [aws_ecs_cluster_capacity_providers.this]
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "capacity_provider_strategy" {
  description = "The default strategy: a list of capacity_provider, base and weight."
  value       = local.strategy
}

output "execute_command_log_group_name" {
  description = "Name of the log group with what was done by execute-command."
  value       = aws_cloudwatch_log_group.execute_command.name
}

output "execute_command_log_group_arn" {
  description = "ARN of this log group: a task role that lets a shell be opened writes to it."
  value       = aws_cloudwatch_log_group.execute_command.arn
}

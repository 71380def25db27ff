output "task_role_arn" {
  description = "ARN of the role of the programs; known when the role may do what it should."
  value       = aws_iam_role.task.arn
  depends_on  = [aws_iam_role_policy.task]
}

output "task_role_name" {
  description = "Name of the role of the programs."
  value       = aws_iam_role.task.name
}

output "execution_role_arn" {
  description = "ARN of the role by which ECS starts the tasks; known when the role may do what it should."
  value       = aws_iam_role.execution.arn
  depends_on  = [aws_iam_role_policy.execution]
}

output "execution_role_name" {
  description = "Name of the role by which ECS starts the tasks."
  value       = aws_iam_role.execution.name
}

output "boundary_arn" {
  description = "ARN of the permissions boundary of both roles."
  value       = local.boundary_arn
}

output "task_principal_arn" {
  description = "ARN of the role of the programs as it will be, made from its name: for policies of keys and secrets that the role's own policy names in turn."
  value       = local.principals.task
}

output "execution_principal_arn" {
  description = "ARN of the role by which ECS starts the tasks as it will be, made from its name."
  value       = local.principals.execution
}

output "principal_arns" {
  description = "Both of these ARNs."
  value       = values(local.principals)
}

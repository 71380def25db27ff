output "provider_arn" {
  description = "ARN of the OIDC provider of GitHub."
  value       = local.provider_arn
}

output "plan_role_arn" {
  description = "ARN of the role that may read and plan."
  value       = aws_iam_role.this["plan"].arn
}

output "deploy_role_arn" {
  description = "ARN of the role that may deploy."
  value       = aws_iam_role.this["deploy"].arn
}

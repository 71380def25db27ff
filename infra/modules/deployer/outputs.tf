output "policy_arns" {
  description = "ARNs of the managed policies of a deployment, by area."
  value       = { for area in keys(local.areas) : area => aws_iam_policy.this["deploy-${area}"].arn }
}

output "boundary_arns" {
  description = "ARNs of the permissions boundaries of which every role of the environment has one, by their names without the environment's."
  value       = { for name in keys(local.boundaries) : name => aws_iam_policy.this[name].arn }
}

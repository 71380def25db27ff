output "policy_arns" {
  description = "ARNs of the managed policies, by area."
  value       = { for area, policy in aws_iam_policy.this : area => policy.arn }
}

output "arns" {
  description = "ARNs of the secrets, by name."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}

output "names" {
  description = "Full names of the secrets, by name."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.name }
}

output "rotation_principal_arns" {
  description = "ARN of the rotation's role as it will be, made from its name, for the policy of the key (secret_writers); empty if nothing is rotated."
  value       = local.rotating
}

output "rotation_function_arn" {
  description = "ARN of the function that rotates; null if nothing is rotated."
  value       = one(values(aws_lambda_function.rotation)[*].arn)
}

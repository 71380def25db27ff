output "function_arn" {
  description = "ARN of the function. Nobody invokes it by this, but by an alias."
  value       = aws_lambda_function.this.arn
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "alias_arns" {
  description = "ARNs of the aliases, by service: a task role may invoke its own."
  value       = { for service, alias in aws_lambda_alias.this : service => alias.arn }
}

output "key_arn" {
  description = "ARN of the authority's key."
  value       = aws_kms_key.this.arn
}

output "key_id" {
  description = "Identifier of the authority's key."
  value       = aws_kms_key.this.key_id
}

output "authority_object" {
  description = "Where in the bucket the authority's certificate is."
  value       = var.authority.object
}

output "arns" {
  description = "ARNs of the parameters, by name."
  value       = { for name, parameter in aws_ssm_parameter.this : name => parameter.arn }
}

output "names" {
  description = "Full names (path and name) of the parameters, by name."
  value       = { for name, parameter in aws_ssm_parameter.this : name => parameter.name }
}

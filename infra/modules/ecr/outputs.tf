output "repository_urls" {
  description = "Where images are pushed and pulled, by name of the repository."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "arns" {
  description = "ARNs of the repositories, by name."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.arn }
}

output "registry_id" {
  description = "Account whose registry it is."
  value       = local.account
}

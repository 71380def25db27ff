output "url" {
  description = "Where the server answers: `server` of the environment in the app file."
  value       = "https://${var.domain}"
}

output "task_role_arn" {
  description = "The role of the server, for further policies."
  value       = module.iam.task_role_arn
}

output "region" {
  description = "Where the server and its secret are."
  value       = var.region
}

output "first_token_secret" {
  description = "Secret into which the server puts the first admin's token; whoever may read secrets in the account can read it."
  value       = module.first_token.names["first-token"]
}

output "cluster_name" {
  description = "ECS cluster of the server."
  value       = module.cluster.cluster_name
}

output "service_name" {
  description = "ECS service of the server."
  value       = module.server.service_names[""]
}

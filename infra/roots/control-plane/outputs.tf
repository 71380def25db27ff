output "url" {
  description = "Where the server answers: `server` of the environment in the app file."
  value       = "https://${var.domain}"
}

output "task_role_arn" {
  description = "The role of the server, for further policies."
  value       = module.iam.task_role_arn
}

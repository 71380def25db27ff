output "vpc_id" {
  description = "The network."
  value       = module.network.vpc_id
}

output "cluster_name" {
  description = "The ECS cluster."
  value       = module.cluster.cluster_name
}

output "service_names" {
  description = "The ECS services, by service and version."
  value       = { for name, it in module.services : name => it.service_names }
}

output "target_group_arns" {
  description = "Target groups of services outside the mesh, by service and slot."
  value       = { for name, it in module.target_groups : name => it.arns }
}

output "rule_arns" {
  description = "Listener rules whose weights a deployment shifts, by service."
  value       = { for name, arns in local.rule_arns : name => arns if length(arns) > 0 }
}

output "url" {
  description = "Where the public services answer; null when nothing is public."
  value       = local.has_public ? "https://${var.domain}" : null
}

output "load_balancer" {
  description = "Host name of the public load balancer; null when nothing is public."
  value       = one(module.public_load_balancer[*].dns_name)
}

output "config_bucket" {
  description = "Bucket with what every Envoy and every task is told."
  value       = module.config_bucket.name
}

output "identity_function" {
  description = "The function that signs certificates, and the key it signs with."
  value       = { arn = module.identity.function_arn, key_arn = module.identity.key_arn }
}

output "alarm_topic_arn" {
  description = "Where alarms are sent to."
  value       = module.observability.alarm_topic_arn
}

output "stores" {
  description = "Addresses of the stores with one, by name."
  value = merge(
    { for name, it in module.databases : name => "${it.endpoint}:${it.port}" },
    { for name, it in module.caches : name => "${it.endpoint}:${it.port}" },
  )
}

output "ids" {
  description = "Security groups of the services and of the gateway, by name."
  value       = { for name in local.workloads : name => aws_security_group.this[name].id }
}

output "store_ids" {
  description = "Security groups of the stores, by name."
  value       = { for name in keys(var.stores) : name => aws_security_group.this["store-${name}"].id }
}

output "public_lb_id" {
  description = "Security group of the public load balancer."
  value       = aws_security_group.this["public-lb"].id
}

output "internal_lb_id" {
  description = "Security group of the internal load balancer."
  value       = aws_security_group.this["internal-lb"].id
}

output "flows" {
  description = "Every permitted flow inside the VPC, as a sentence: { from, to, port }."
  value       = local.flows
}

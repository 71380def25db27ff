output "namespace_id" {
  description = "The namespace, for Cloud Map services."
  value       = aws_service_discovery_private_dns_namespace.this.id
}

output "namespace_arn" {
  description = "The namespace, for policies."
  value       = aws_service_discovery_private_dns_namespace.this.arn
}

output "namespace_name" {
  description = "Domain of the names."
  value       = aws_service_discovery_private_dns_namespace.this.name
}

output "hosted_zone_id" {
  description = "The private hosted zone that Cloud Map keeps for the namespace."
  value       = aws_service_discovery_private_dns_namespace.this.hosted_zone
}

output "ttl" {
  description = "Seconds for which an address may be kept, for the DNS records of the services."
  value       = var.ttl
}

output "certificate_arn" {
  description = "The certificate, once it is valid."
  value       = aws_acm_certificate_validation.this.certificate_arn
}

output "zone_id" {
  description = "The hosted zone."
  value       = data.aws_route53_zone.this.zone_id
}

output "fqdn" {
  description = "Name that the public services answer to."
  value       = var.domain
}

output "regional_fqdn" {
  description = "Name of this region alone; null without failover."
  value       = local.regional_domain
}

output "health_check_id" {
  description = "The health check of this region; null without failover."
  value       = one(aws_route53_health_check.region[*].id)
}

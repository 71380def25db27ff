output "arn" {
  description = "The load balancer."
  value       = aws_lb.this.arn
}

output "arn_suffix" {
  description = "The load balancer as CloudWatch's metrics name it."
  value       = aws_lb.this.arn_suffix
}

output "dns_name" {
  description = "Its host name, for alias records."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "The hosted zone of its host name, for alias records."
  value       = aws_lb.this.zone_id
}

output "listener_arn" {
  description = "The HTTPS listener."
  value       = aws_lb_listener.https.arn
}

output "rule_arns" {
  description = "The listener's rules by name, whose weights deployments set."
  value       = { for name, rule in aws_lb_listener_rule.this : name => rule.arn }
}

output "web_acl_arn" {
  description = "The firewall; null without one."
  value       = one(aws_wafv2_web_acl.this[*].arn)
}

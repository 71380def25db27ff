output "ids" {
  description = "Network ACLs by tier: public, private, runtime."
  value       = { for tier, acl in aws_network_acl.this : tier => acl.id }
}

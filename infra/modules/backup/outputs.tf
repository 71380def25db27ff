output "vault_arn" {
  description = "ARN of the vault: what another region copies to."
  value       = aws_backup_vault.this.arn
}

output "vault_name" {
  description = "Name of the vault."
  value       = aws_backup_vault.this.name
}

output "plan_id" {
  description = "Id of the plan."
  value       = aws_backup_plan.this.id
}

output "role_arn" {
  description = "ARN of the role that makes backups and restores them."
  value       = aws_iam_role.this.arn
}

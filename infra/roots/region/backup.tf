# Copies of everything that holds data. Databases and tables also go back to any second of the last days by themselves.

locals {
  # The second region's vault has the same name there.
  copies = var.second_region == null || !var.copy_backups ? [] : [
    "arn:${local.partition}:backup:${var.second_region}:${local.account}:backup-vault:${var.name}"
  ]
}

module "backup" {
  source = "../../modules/backup"

  name           = var.name
  region         = var.region
  kms_key_arn    = module.backup_key.key_arn
  selection_tags = { app = var.app, environment = var.environment, backup = "yes" }
  copies         = [for vault in local.copies : { vault_arn = vault }]
  notify         = { topic_arn = module.observability.alarm_topic_arn }
  force_destroy  = !var.protect

  permissions_boundary_arn = local.boundary_backup_arn
}

module "backup_key" {
  source = "../../modules/kms"

  name        = "${var.name}-backup"
  description = "Backups of ${var.name}"
  account_via = [for service in ["backup", "dynamodb", "rds", "s3"] : "${service}.${var.region}.amazonaws.com"]
  services    = ["backup.amazonaws.com"]
}

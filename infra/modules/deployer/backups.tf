# Copies of the data. A deployment sets up when they are made and how long they stay; it deletes none.

locals {
  backups = {
    Look = {
      actions   = ["backup:ListBackupPlans", "backup:ListBackupVaults"]
      resources = ["*"] # lists are of everything
    }
    # Plans and selections have numbers for names: the tag says whose they are.
    MakeBackups = {
      tagged    = "new"
      actions   = ["backup:CreateBackupPlan", "backup:CreateBackupVault", "backup:TagResource"]
      resources = ["${local.arn.backup}:backup-plan:*", "${local.arn.backup}:backup-vault:${var.name}*"]
      when      = local.not_of_another
    }
    ManageBackupPlans = {
      tagged = "own"
      actions = [
        "backup:CreateBackupSelection", "backup:DeleteBackupPlan", "backup:DeleteBackupSelection",
        "backup:GetBackupPlan", "backup:GetBackupSelection", "backup:ListTags", "backup:UntagResource",
        "backup:UpdateBackupPlan",
      ]
      resources = ["${local.arn.backup}:backup-plan:*"]
    }
    ManageBackupVaults = {
      actions = [
        "backup:DeleteBackupVault", "backup:DeleteBackupVaultAccessPolicy", "backup:DeleteBackupVaultLockConfiguration",
        "backup:DeleteBackupVaultNotifications", "backup:DescribeBackupVault", "backup:GetBackupVaultAccessPolicy",
        "backup:GetBackupVaultNotifications", "backup:ListRecoveryPointsByBackupVault", "backup:ListTags",
        "backup:PutBackupVaultAccessPolicy", "backup:PutBackupVaultLockConfiguration",
        "backup:PutBackupVaultNotifications",
      ]
      resources = ["${local.arn.backup}:backup-vault:${var.name}*"]
    }
    OpenVaults = {
      actions   = ["backup-storage:MountCapsule"]
      resources = ["*"] # it knows no resource
    }
  }
}

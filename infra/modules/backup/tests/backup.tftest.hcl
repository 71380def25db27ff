mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/shop-prod-backup" }
  }
}

variables {
  name           = "shop-prod"
  region         = "eu-central-1"
  kms_key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
  selection_tags = { app = "shop", environment = "prod", backup = "yes" }
}

run "encrypted_and_selected" {
  command = apply

  assert {
    condition     = aws_backup_vault.this.kms_key_arn == var.kms_key_arn
    error_message = "Backups are encrypted with the given key."
  }

  assert {
    condition     = toset([for rule in aws_backup_plan.this.rule : rule.rule_name]) == toset(["daily", "monthly"])
    error_message = "Backups are made daily and monthly."
  }

  assert {
    condition = toset([
      for tag in one(aws_backup_selection.this.condition).string_equals : tag.key
    ]) == toset(["aws:ResourceTag/app", "aws:ResourceTag/environment", "aws:ResourceTag/backup"])
    error_message = "Only resources with all of the tags are backed up."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.vault.statement).effect == "Deny"
    error_message = "Nobody deletes backups by hand."
  }

  assert {
    condition     = length(aws_backup_vault_lock_configuration.this) == 0
    error_message = "A vault is locked only when told."
  }
}

run "copied_and_locked" {
  command = apply

  variables {
    copies = [{ vault_arn = "arn:aws:backup:eu-west-1:111122223333:backup-vault:shop-prod" }]
    lock   = { min_days = 7, max_days = 400 }
  }

  assert {
    condition = alltrue([
      for rule in aws_backup_plan.this.rule :
      one(rule.copy_action).destination_vault_arn == var.copies[0].vault_arn
      && one(one(rule.copy_action).lifecycle).delete_after == rule.lifecycle[0].delete_after
    ])
    error_message = "Every backup is copied and kept as long as the original."
  }

  assert {
    condition     = aws_backup_vault_lock_configuration.this[0].min_retention_days == 7
    error_message = "The lock has the given limits."
  }
}

run "cold_storage_needs_90_days" {
  command = plan

  variables {
    rules = { weekly = { schedule = "cron(0 3 ? * 1 *)", delete_after_days = 60, cold_after_days = 30 } }
  }

  expect_failures = [var.rules]
}

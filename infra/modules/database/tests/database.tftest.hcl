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
    defaults = { arn = "arn:aws:iam::111122223333:role/monitoring" }
  }
}

variables {
  name               = "shop-prod-orders"
  region             = "eu-central-1"
  instance_class     = "db.t4g.small"
  subnet_ids         = ["subnet-a", "subnet-b", "subnet-c"]
  security_group_ids = ["sg-1"]
  kms_key_arn        = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
}

run "safe_by_default" {
  command = apply

  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.deletion_protection
    error_message = "It has a standby and refuses to be deleted."
  }

  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == var.kms_key_arn
    error_message = "It is encrypted with the given key."
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "RDS itself keeps the master password."
  }

  assert {
    condition     = aws_db_instance.this.iam_database_authentication_enabled && !aws_db_instance.this.publicly_accessible
    error_message = "Users log on by IAM, from within the network."
  }

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 14 && !aws_db_instance.this.skip_final_snapshot
    error_message = "It can be restored, even after it was deleted."
  }

  assert {
    condition     = { for p in aws_db_parameter_group.this.parameter : p.name => p.value }["rds.force_ssl"] == "1"
    error_message = "Connections without TLS are refused."
  }

  assert {
    condition     = aws_db_parameter_group.this.family == "postgres17"
    error_message = "The family of parameters is that of the major version."
  }
}

run "parameters_can_be_replaced" {
  command = apply

  variables {
    engine_version = "16.4"
    parameters     = { log_statement = "all", work_mem = "65536" }
  }

  assert {
    condition     = { for p in aws_db_parameter_group.this.parameter : p.name => p.value }["log_statement"] == "all"
    error_message = "A given parameter replaces the module's."
  }

  assert {
    condition     = aws_db_parameter_group.this.name == "shop-prod-orders-postgres16"
    error_message = "Every major version has a group of its own."
  }
}

run "replica_of_another_region" {
  command = apply

  variables {
    replicate_source_arn = "arn:aws:rds:eu-central-1:111122223333:db:shop-prod-orders"
    region               = "eu-west-1"
    kms_key_arn          = "arn:aws:kms:eu-west-1:111122223333:key/22222222-2222-2222-2222-222222222222"
  }

  assert {
    condition     = aws_db_instance.this.replicate_source_db == var.replicate_source_arn && aws_db_instance.this.manage_master_user_password == null
    error_message = "A replica follows its source and has no master password of its own."
  }

  assert {
    condition     = contains(output.alarm_names, "shop-prod-orders-lag")
    error_message = "A replica that falls behind raises an alarm."
  }
}

run "source_of_a_replica" {
  command = apply

  variables {
    replicated = true
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password == null && aws_db_instance.this.password_wo_version == 1
    error_message = "RDS copies no instance whose password it manages."
  }

  assert {
    condition     = aws_db_instance.this.password == null && output.master_secret_arn == null
    error_message = "The password is kept with the instance."
  }
}

run "a_replica_of_a_replica_is_refused" {
  command = plan

  variables {
    replicate_source_arn = "arn:aws:rds:eu-central-1:111122223333:db:shop-prod-orders"
    replicated           = true
  }

  expect_failures = [var.replicated]
}

run "a_role_has_64_characters_at_most" {
  command = plan

  variables {
    name   = "a-rather-long-app-in-production1-orders-of-a-shop"
    region = "ap-southeast-1"
  }

  assert {
    condition     = length(aws_iam_role.monitoring.name) == 64 && startswith(aws_iam_role.monitoring.name, "${var.name}-monit")
    error_message = "IAM refuses the name of the role, or it is another one's."
  }
}

run "too_long_backups_are_refused" {
  command = plan

  variables {
    backup_days = 90
  }

  expect_failures = [var.backup_days]
}

locals {
  replica = var.replicate_source_arn != null
  managed = !local.replica && !var.replicated
  family  = "postgres${split(".", var.engine_version)[0]}"
}

resource "aws_db_instance" "this" {
  identifier     = var.name
  instance_class = var.instance_class

  # A replica takes these from its source.
  replicate_source_db         = var.replicate_source_arn
  engine                      = local.replica ? null : "postgres"
  engine_version              = local.replica ? null : var.engine_version
  db_name                     = local.replica ? null : var.database
  username                    = local.replica ? null : var.master_username
  allocated_storage           = local.replica ? null : var.storage_gib
  manage_master_user_password = local.managed ? true : null

  # The password is RDS's own secret, which RDS rotates; nobody ever writes it down.
  master_user_secret_kms_key_id = local.managed ? var.kms_key_arn : null

  # RDS copies no instance whose password it keeps. Then it is a random one, which nobody needs to know.
  password_wo         = var.replicated ? one(data.aws_secretsmanager_random_password.first[*].random_password) : null
  password_wo_version = var.replicated ? 1 : null

  iam_database_authentication_enabled = true
  parameter_group_name                = aws_db_parameter_group.this.name
  ca_cert_identifier                  = "rds-ca-rsa2048-g1"

  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn
  max_allocated_storage = var.storage_gib * 10

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = var.security_group_ids
  publicly_accessible    = false
  port                   = var.port
  multi_az               = var.multi_az

  backup_retention_period   = var.backup_days
  backup_window             = var.backup_window
  maintenance_window        = var.maintenance_window
  copy_tags_to_snapshot     = true
  delete_automated_backups  = false
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = local.replica || var.skip_final_snapshot
  final_snapshot_identifier = "${var.name}-final"

  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = false
  apply_immediately           = var.apply_immediately

  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.kms_key_arn
  performance_insights_retention_period = 7
  monitoring_interval                   = var.monitoring_interval
  monitoring_role_arn                   = aws_iam_role.monitoring.arn

  tags = merge(var.tags, { Name = var.name })

  depends_on = [
    aws_cloudwatch_log_group.this, # RDS would make it itself, without a key and for ever
    aws_iam_role_policy_attachment.monitoring,
  ]
}

# Another one at every plan; only the first is ever set.
data "aws_secretsmanager_random_password" "first" {
  count = var.replicated ? 1 : 0

  password_length     = 40
  exclude_punctuation = true
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
  tags        = merge(var.tags, { Name = var.name })
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-${local.family}"
  description = "TLS only, and what is worth logging"
  family      = local.family
  tags        = var.tags

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  dynamic "parameter" {
    for_each = merge(local.parameters, var.parameters)

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = contains(local.static_parameters, parameter.key) ? "pending-reboot" : "immediate"
    }
  }

  # The next major version gets its group before the instance leaves this one.
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  parameters = {
    "log_connections"             = "1"
    "log_disconnections"          = "1"
    "log_lock_waits"              = "1"
    "log_min_duration_statement"  = "1000"
    "log_statement"               = "ddl"
    "log_temp_files"              = "10240"
    "log_autovacuum_min_duration" = "10000"

    # A statement or transaction that is forgotten must not hold locks for ever.
    "idle_in_transaction_session_timeout" = "60000"
  }

  static_parameters = ["rds.logical_replication", "shared_preload_libraries", "max_connections"]
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

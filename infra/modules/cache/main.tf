resource "aws_elasticache_replication_group" "this" {
  replication_group_id = var.name
  description          = "Valkey of ${var.name}"
  engine               = "valkey"
  engine_version       = var.engine_version
  node_type            = var.node_type
  port                 = var.port
  parameter_group_name = aws_elasticache_parameter_group.this.name

  num_cache_clusters         = var.replicas + 1
  automatic_failover_enabled = var.multi_az
  multi_az_enabled           = var.multi_az

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = var.security_group_ids

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]

  snapshot_retention_limit   = var.snapshot_days
  snapshot_window            = "02:00-03:00"
  maintenance_window         = "sun:03:30-sun:04:30"
  auto_minor_version_upgrade = true
  apply_immediately          = var.apply_immediately

  dynamic "log_delivery_configuration" {
    for_each = aws_cloudwatch_log_group.this

    content {
      destination_type = "cloudwatch-logs"
      destination      = log_delivery_configuration.value.name
      log_format       = "json"
      log_type         = log_delivery_configuration.key
    }
  }

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
  tags        = var.tags
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-${local.family}"
  description = "What happens when the memory is full"
  family      = local.family
  tags        = var.tags

  parameter {
    name  = "maxmemory-policy"
    value = var.eviction
  }

  # The next major version gets its group before the nodes leave this one.
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  family = "valkey${split(".", var.engine_version)[0]}"

  # 40 characters at most; where a digest replaces the end, two long ids stay two.
  long_ids = { for user in keys(var.users) : user => "${var.name}-${user}" }
  user_ids = {
    for user, id in local.long_ids : user => (
      length(id) <= 40 ? id : format("%s-%s", replace(substr(id, 0, 33), "/-+$/", ""), substr(sha256(id), 0, 6))
    )
  }
}

# One user for every service, who logs on with a token that IAM signs: there is no password to keep.
resource "aws_elasticache_user" "this" {
  for_each = var.users

  user_id       = local.user_ids[each.key]
  user_name     = local.user_ids[each.key] # IAM wants both alike
  engine        = "valkey"
  access_string = each.value
  tags          = var.tags

  authentication_mode {
    type = "iam"
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = [for user in aws_elasticache_user.this : user.user_id]
  tags          = var.tags
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["slow-log", "engine-log"])

  name              = "/aws/elasticache/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

mock_provider "aws" {}

variables {
  name               = "shop-prod-sessions"
  node_type          = "cache.t4g.small"
  subnet_ids         = ["subnet-a", "subnet-b"]
  security_group_ids = ["sg-1"]
  kms_key_arn        = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
  users              = { web = "on ~session:* +@read +@write", admin = "on ~* +@all" }
}

run "encrypted_in_every_way" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required"
    error_message = "Connections without TLS are refused."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.at_rest_encryption_enabled == "true" && aws_elasticache_replication_group.this.kms_key_id == var.kms_key_arn
    error_message = "Data is encrypted with the given key."
  }

  assert {
    condition     = alltrue([for user in aws_elasticache_user.this : user.authentication_mode[0].type == "iam" && user.user_id == user.user_name])
    error_message = "Users log on by IAM, which wants id and name alike."
  }

  assert {
    condition     = aws_elasticache_user.this["web"].access_string == "on ~session:* +@read +@write"
    error_message = "A user may do what is given."
  }
}

run "survives_a_zone" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.num_cache_clusters == 2 && aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "A replica in another zone takes over."
  }

  assert {
    condition     = aws_elasticache_parameter_group.this.family == "valkey8"
    error_message = "The family of parameters is that of the major version."
  }

  assert {
    condition     = length(aws_elasticache_replication_group.this.log_delivery_configuration) == 2
    error_message = "Slow commands and the engine's log are kept."
  }
}

run "alone" {
  command = plan

  variables {
    replicas = 0
    multi_az = false
  }

  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "Without a replica nothing can take over."
  }
}

run "nothing_takes_over_alone" {
  command = plan

  variables {
    replicas = 0
  }

  expect_failures = [var.multi_az]
}

run "access_strings_are_checked" {
  command = plan

  variables {
    users = { web = "+@all" }
  }

  expect_failures = [var.users]
}

run "every_node_is_watched" {
  command = apply

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 6 && alltrue([for alarm in aws_cloudwatch_metric_alarm.this : contains(keys(alarm.dimensions), "CacheClusterId")])
    error_message = "ElastiCache measures by node: an alarm on the group would never have data."
  }
}

run "long_ids_of_users_are_shortened" {
  command = plan

  variables {
    users = { "a-service-with-a-rather-long-name" = "on ~* +@all" }
  }

  assert {
    condition     = alltrue([for user in aws_elasticache_user.this : length(user.user_id) <= 40 && user.user_id == user.user_name])
    error_message = "An id has 40 characters at most."
  }
}

# The cluster that all services of an environment run in. It owns no machines: tasks run on Fargate.

locals {
  # As a list of what ECS takes, so that others can show or use it.
  strategy = concat(
    [{ capacity_provider = "FARGATE", base = 1, weight = 100 - var.spot_percent }],
    [for weight in [var.spot_percent] : { capacity_provider = "FARGATE_SPOT", base = 0, weight = weight } if weight > 0],
  )
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  # Metrics of each task besides those of each service.
  setting {
    name  = "containerInsights"
    value = "enhanced"
  }

  configuration {
    execute_command_configuration {
      kms_key_id = var.kms_key_arn
      logging    = "OVERRIDE"

      log_configuration {
        cloud_watch_encryption_enabled = true
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.execute_command.name
      }
    }
  }

  tags = merge(var.tags, { Name = var.name })

  # Otherwise Container Insights might make the group first, or once more while everything is destroyed.
  depends_on = [aws_cloudwatch_log_group.container_insights]
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  dynamic "default_capacity_provider_strategy" {
    for_each = local.strategy

    content {
      capacity_provider = default_capacity_provider_strategy.value.capacity_provider
      base              = default_capacity_provider_strategy.value.base
      weight            = default_capacity_provider_strategy.value.weight
    }
  }
}

# Who opened a shell in a container, and what was typed there.
resource "aws_cloudwatch_log_group" "execute_command" {
  name              = "/fairway/${var.name}/execute-command"
  retention_in_days = var.log_retention
  kms_key_id        = var.kms_key_arn

  tags = merge(var.tags, { Name = "/fairway/${var.name}/execute-command" })
}

# Container Insights would make this group by itself, unencrypted and for ever.
resource "aws_cloudwatch_log_group" "container_insights" {
  name              = "/aws/ecs/containerinsights/${var.name}/performance"
  retention_in_days = var.log_retention
  kms_key_id        = var.kms_key_arn

  tags = merge(var.tags, { Name = "/aws/ecs/containerinsights/${var.name}/performance" })
}

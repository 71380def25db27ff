mock_provider "aws" {}

variables {
  name        = "shop-prod"
  kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "every_replica_is_on_demand_by_default" {
  assert {
    condition     = join(",", output.capacity_provider_strategy[*].capacity_provider) == "FARGATE"
    error_message = "Spot is used without being asked for."
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "Services may choose either."
  }
}

run "shells_are_logged_and_encrypted" {
  assert {
    condition = (
      aws_ecs_cluster.this.configuration[0].execute_command_configuration[0].logging == "OVERRIDE" &&
      aws_ecs_cluster.this.configuration[0].execute_command_configuration[0].log_configuration[0].cloud_watch_log_group_name == "/fairway/shop-prod/execute-command"
    )
    error_message = "What is typed in a shell is in no log."
  }

  assert {
    condition = alltrue([
      for group in [aws_cloudwatch_log_group.execute_command, aws_cloudwatch_log_group.container_insights] :
      group.kms_key_id == var.kms_key_arn && group.retention_in_days == 400
    ])
    error_message = "A log is not encrypted, or not kept long enough."
  }

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "enhanced"
    error_message = "Container Insights are off."
  }
}

run "a_part_runs_on_spot" {
  variables {
    spot_percent = 40
  }

  assert {
    condition     = join(",", output.capacity_provider_strategy[*].weight) == "60,40" && output.capacity_provider_strategy[0].base == 1
    error_message = "40 percent are on Spot, but never the first."
  }
}

run "more_than_everything_is_refused" {
  command = plan

  variables {
    spot_percent = 101
  }

  expect_failures = [var.spot_percent]
}

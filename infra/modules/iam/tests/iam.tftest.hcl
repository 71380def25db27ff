mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/boundary" }
  }
}

variables {
  name   = "shop-prod-orbit"
  region = "eu-central-1"

  statements = [{
    sid        = "ReadSecrets"
    actions    = ["secretsmanager:GetSecretValue"]
    resources  = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-prod/orbit/KEY-AbCdEf"]
    conditions = [{ test = "StringEquals", variable = "aws:ResourceAccount", values = ["123456789012"] }]
  }]

  execution = {
    repository_arns = ["arn:aws:ecr:eu-central-1:123456789012:repository/shop-prod/orbit"]
    log_group_arns  = ["arn:aws:logs:eu-central-1:123456789012:log-group:/fairway/shop-prod-orbit:*"]
  }
}

run "both_roles_stay_within_the_boundary" {
  assert {
    condition     = aws_iam_role.task.permissions_boundary == one(aws_iam_policy.boundary).arn && aws_iam_role.execution.permissions_boundary == one(aws_iam_policy.boundary).arn
    error_message = "A role has no boundary."
  }

  assert {
    condition     = aws_iam_role.task.name == "shop-prod-orbit-task-eu-central-1"
    error_message = "The region is a part of the name."
  }

  assert {
    condition     = output.task_principal_arn == "arn:aws:iam::123456789012:role/${aws_iam_role.task.name}"
    error_message = "The ARN made from the name is that of the role."
  }
}

run "the_boundary_of_the_environment_takes_the_place_of_its_own" {
  variables {
    boundary_arn = "arn:aws:iam::123456789012:policy/shop-prod-boundary"
    tags         = { service = "orbit" }
  }

  assert {
    condition     = aws_iam_role.task.permissions_boundary == var.boundary_arn && aws_iam_role.execution.permissions_boundary == var.boundary_arn
    error_message = "A role has another boundary."
  }

  assert {
    condition     = length(aws_iam_policy.boundary) == 0 && aws_iam_role.task.tags.service == "orbit"
    error_message = "A second boundary is made, or nobody knows whose role it is."
  }
}

run "only_tasks_of_this_account_take_the_roles" {
  assert {
    condition     = one(one(data.aws_iam_policy_document.trust.statement).principals).identifiers == toset(["ecs-tasks.amazonaws.com"])
    error_message = "Somebody besides ECS is trusted."
  }

  assert {
    condition = { for condition in one(data.aws_iam_policy_document.trust.statement).condition : condition.variable => join(" ", condition.values) } == {
      "aws:SourceAccount" = "123456789012"
      "aws:SourceArn"     = "arn:aws:ecs:eu-central-1:123456789012:*"
    }
    error_message = "Another account or region is trusted."
  }
}

run "everything_is_allowed_for_a_registry_token_alone" {
  assert {
    condition = [
      for statement in data.aws_iam_policy_document.execution.statement :
      join(" ", statement.actions) if contains(statement.resources, "*")
    ] == ["ecr:GetAuthorizationToken"]
    error_message = "Only the token knows no resource."
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.execution.statement :
      statement.sid == "ExecutionWriteLogs" && one(statement.resources) == "arn:aws:logs:eu-central-1:123456789012:log-group:/fairway/shop-prod-orbit:log-stream:*"
    ])
    error_message = "Logs are written to the service's own group."
  }

  assert {
    condition     = length([for statement in data.aws_iam_policy_document.execution.statement : statement if statement.sid == "ExecutionDecryptSecrets"]) == 0
    error_message = "Without secrets no key is used."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.task.statement : statement.sid] == ["ReadSecrets"]
    error_message = "The programs may do what was asked for, and nothing else."
  }
}

run "a_shell_is_allowed_when_asked_for" {
  variables {
    execute_command = {
      kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      log_group_arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/fairway/shop-prod/execute-command:*"
    }
  }

  assert {
    condition     = join(" ", data.aws_iam_policy_document.task.statement[*].sid) == "ReadSecrets ExecuteCommand ExecuteCommandLog ExecuteCommandKey"
    error_message = "A shell needs its channel, its log and its key."
  }
}

run "long_names_are_shortened" {
  variables {
    name = "a-very-long-name-of-an-app-production-a-very-long-name-of-a-service"
  }

  assert {
    condition     = alltrue([for name in values(local.names) : length(name) <= 64]) && length(distinct(values(local.names))) == 3
    error_message = "Names have 64 characters at most, and stay different."
  }
}

run "names_can_be_given" {
  variables {
    role_names = { task = "orbit-does", execution = "orbit-starts", boundary = "orbit-at-most" }
  }

  assert {
    condition     = aws_iam_role.task.name == "orbit-does" && output.execution_principal_arn == "arn:aws:iam::123456789012:role/orbit-starts"
    error_message = "Others would name roles that are not there."
  }
}

run "wildcard_actions_are_refused" {
  command = plan

  variables {
    statements = [{ sid = "All", actions = ["s3:*"], resources = ["arn:aws:s3:::shop"] }]
  }

  expect_failures = [var.statements]
}

run "wildcard_resources_are_refused_where_one_can_be_named" {
  command = plan

  variables {
    statements = [{ sid = "All", actions = ["s3:GetObject"], resources = ["*"] }]
  }

  expect_failures = [var.statements]
}

run "traces_name_no_resource" {
  variables {
    statements = [{ sid = "SendTraces", actions = ["xray:PutTraceSegments"], resources = ["*"] }]
  }

  assert {
    condition     = length(aws_iam_role_policy.task) == 1
    error_message = "X-Ray knows no resources."
  }
}

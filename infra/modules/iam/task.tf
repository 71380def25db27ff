# What the programs of a task do: the statements that follow from the app file, and nothing besides.

data "aws_iam_policy_document" "task" {
  dynamic "statement" {
    for_each = var.statements

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = statement.value.conditions

        content {
          test     = condition.value.test
          variable = condition.value.variable
          values   = condition.value.values
        }
      }
    }
  }

  # The channel of execute-command, and the look for its log. These actions know no resource.
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsessionmanagermessagegatewayservice.html
  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
  dynamic "statement" {
    for_each = var.execute_command == null ? [] : ["ExecuteCommand"]

    content {
      sid       = statement.value
      resources = ["*"]
      actions = [
        "logs:DescribeLogGroups",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ]
    }
  }

  dynamic "statement" {
    for_each = var.execute_command[*].log_group_arn

    content {
      sid       = "ExecuteCommandLog"
      actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      resources = ["${trimsuffix(statement.value, ":*")}:*"]
    }
  }

  dynamic "statement" {
    for_each = var.execute_command[*].kms_key_arn

    content {
      sid       = "ExecuteCommandKey"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

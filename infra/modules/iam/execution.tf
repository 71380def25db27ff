# What ECS does before a container starts: it pulls the image, opens the log and reads secrets.

data "aws_iam_policy_document" "execution" {
  # The token is for the whole registry and knows no resource; which images it pulls is in the next statement.
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
  statement {
    sid       = "ExecutionSignInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = length(var.execution.repository_arns) > 0 ? [var.execution.repository_arns] : []

    content {
      sid       = "ExecutionPullImages"
      resources = statement.value
      actions = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
      ]
    }
  }

  dynamic "statement" {
    for_each = length(var.execution.log_group_arns) > 0 ? [var.execution.log_group_arns] : []

    content {
      sid       = "ExecutionWriteLogs"
      actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources = [for arn in statement.value : "${trimsuffix(arn, ":*")}:log-stream:*"]
    }
  }

  dynamic "statement" {
    for_each = length(var.execution.secret_arns) > 0 ? [var.execution.secret_arns] : []

    content {
      sid       = "ExecutionReadSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(var.execution.key_arns) > 0 ? [var.execution.key_arns] : []

    content {
      sid       = "ExecutionDecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${var.region}.amazonaws.com"]
      }
    }
  }
}

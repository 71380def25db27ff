# The function that renews secrets by itself: see rotation/handler.py.

locals {
  rotated   = { for name, secret in var.secrets : name => secret if secret.rotate != null }
  functions = length(local.rotated) > 0 ? { rotation = var.rotation } : {}

  # Lambda and IAM take 64 characters: a digest replaces the end of what is longer, so that two long names stay two.
  function_of   = replace(var.name, "/[^A-Za-z0-9_-]/", "-")
  short_of      = length(local.function_of) <= 55 ? local.function_of : format("%s-%s", substr(local.function_of, 0, 48), substr(sha256(local.function_of), 0, 6))
  function_name = "${local.short_of}-rotation"

  # Policies of the secrets and of their key name the role, and the role's policy names these: by what its ARN will be.
  long_name = "${local.function_name}-${var.region}"
  role_name = (
    try(var.rotation.role_name, null) != null ? var.rotation.role_name :
    length(local.long_name) <= 64 ? local.long_name
    : format("%s-%s", replace(substr(local.long_name, 0, 57), "/-+$/", ""), substr(sha256(local.long_name), 0, 6))
  )
  rotating = [for _ in keys(local.functions) : "arn:${local.partition}:iam::${local.account}:role/${local.role_name}"]
}

resource "aws_secretsmanager_secret_rotation" "this" {
  for_each = local.rotated

  secret_id           = aws_secretsmanager_secret.this[each.key].id
  rotation_lambda_arn = aws_lambda_function.rotation["rotation"].arn

  # A secret is made empty: there is nothing to renew yet.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.rotation_days
  }

  depends_on = [aws_lambda_permission.rotation]
}

resource "aws_lambda_function" "rotation" {
  for_each = local.functions

  function_name = local.function_name
  description   = "Renews secrets of ${var.name}"
  role          = aws_iam_role.rotation[each.key].arn

  filename                = each.value.package
  source_code_hash        = each.value.package_hash
  code_signing_config_arn = each.value.code_signing_config_arn
  runtime                 = "python3.13"
  handler                 = "handler.handle"
  architectures           = ["arm64"]
  memory_size             = 256
  timeout                 = 60
  kms_key_arn             = each.value.kms_key_arn

  # One secret is renewed after the other.
  reserved_concurrent_executions = 1

  environment {
    variables = {
      CA_FILE = each.value.ca_file
    }
  }

  vpc_config {
    subnet_ids         = each.value.subnet_ids
    security_group_ids = each.value.security_group_ids
  }

  dynamic "dead_letter_config" {
    for_each = each.value.dead_letter_arn[*]

    content {
      target_arn = dead_letter_config.value
    }
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.rotation[each.key].name
  }

  tags = merge(var.tags, { Name = local.function_name })

  depends_on = [aws_iam_role_policy.rotation]
}

resource "aws_lambda_permission" "rotation" {
  for_each = local.rotated

  statement_id   = "rotate-${replace(each.key, "/[^A-Za-z0-9_-]/", "-")}"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.rotation["rotation"].function_name
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
  source_arn     = aws_secretsmanager_secret.this[each.key].arn
}

resource "aws_cloudwatch_log_group" "rotation" {
  for_each = local.functions

  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = each.value.log_retention
  kms_key_id        = each.value.kms_key_arn

  tags = merge(var.tags, { Name = "/aws/lambda/${local.function_name}" })
}

# Secrets Manager tries again by itself; what is wrong for longer, somebody has to look at.
resource "aws_cloudwatch_metric_alarm" "rotation" {
  for_each = local.functions

  alarm_name          = "${local.function_name}-errors"
  alarm_description   = "A secret of ${var.name} was not renewed; its readers go on with the value before."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.rotation[each.key].function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = each.value.alarm_actions
  ok_actions          = each.value.alarm_actions

  tags = merge(var.tags, { Name = "${local.function_name}-errors" })
}

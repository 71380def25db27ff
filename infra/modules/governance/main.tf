locals {
  function_name = "${var.name}-governance"
}

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_272:Fairway makes the package and pins it by its hash; signing it would need a second pipeline with its own keys.

  function_name                  = local.function_name
  description                    = "Decides whether a caller may do what it asks, by the active policy set"
  role                           = aws_iam_role.this.arn
  package_type                   = "Zip"
  filename                       = var.package
  source_code_hash               = var.package_hash
  runtime                        = var.runtime
  architectures                  = [var.architecture]
  handler                        = "fairway.governance.lambda_handler.handler"
  memory_size                    = var.memory_mib
  timeout                        = var.timeout
  reserved_concurrent_executions = var.concurrency
  kms_key_arn                    = var.kms_key_arn
  publish                        = true
  tags                           = merge(var.tags, { Name = local.function_name })

  environment {
    variables = merge(var.variables, {
      FAIRWAY_ENVIRONMENT  = var.environment
      FAIRWAY_POLICY_TABLE = module.policy_sets.name
      FAIRWAY_AUDIT_TABLE  = module.audit.name
      FAIRWAY_AUDIT_DAYS   = tostring(var.log_retention_days)
    })
  }

  # Within the network it reaches DynamoDB through the endpoint, and nothing on the internet.
  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = var.security_group_ids
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letter.arn
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [
    aws_iam_role_policy.this,
    aws_iam_role_policy_attachment.network,
  ]
}

# Callers name the alias: a new package takes over when it is published, all at once.
resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "The version that decides"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_permission" "invokers" {
  for_each = var.invoker_role_arns

  statement_id  = "Invoke-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = each.value
}

# Events that were sent without waiting for an answer, and failed.
resource "aws_sqs_queue" "dead_letter" {
  name                      = "${local.function_name}-dlq"
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = 1209600
  tags                      = merge(var.tags, { Name = "${local.function_name}-dlq" })
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/governance"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

module "policy_sets" {
  source = "../table"

  name                = "${local.function_name}-policy-sets"
  hash_key            = { name = "environment" }
  range_key           = { name = "version", type = "N" }
  kms_key_arn         = var.kms_key_arn
  deletion_protection = var.deletion_protection
  tags                = var.tags
}

module "audit" {
  source = "../table"

  name                = "${local.function_name}-audit"
  hash_key            = { name = "day" }
  range_key           = { name = "entry" }
  ttl_attribute       = "expires"
  kms_key_arn         = var.kms_key_arn
  deletion_protection = var.deletion_protection
  tags                = var.tags
}

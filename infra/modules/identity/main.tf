# The certificate authority of the mesh: a key that never leaves KMS, and a function that signs with it. A role may
# invoke the alias of its own service alone, and the alias is the identity that the certificate is made for.

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = "Signs the certificates of the mesh ${var.trust_domain}"
  role          = aws_iam_role.this.arn

  filename         = var.package
  source_code_hash = var.package_hash
  runtime          = var.runtime
  handler          = var.handler
  architectures    = ["arm64"]
  publish          = true

  code_signing_config_arn = var.code_signing_config_arn

  memory_size                    = 256
  timeout                        = 10
  reserved_concurrent_executions = var.concurrency
  kms_key_arn                    = var.kms_key_arn

  environment {
    variables = {
      TRUST_DOMAIN     = var.trust_domain
      KEY_ID           = aws_kms_key.this.key_id
      AUTHORITY_BUCKET = var.authority.bucket
      AUTHORITY_KEY    = var.authority.object
      LIFETIME         = tostring(var.lifetime)
    }
  }

  vpc_config {
    subnet_ids         = var.vpc.subnet_ids
    security_group_ids = var.vpc.security_group_ids
  }

  # Agents wait for their answer; this is for whoever invokes an alias without waiting.
  dynamic "dead_letter_config" {
    for_each = var.dead_letter_arn[*]

    content {
      target_arn = dead_letter_config.value
    }
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tags = merge(var.tags, { Name = var.name })

  depends_on = [aws_iam_role_policy.this]
}

resource "aws_lambda_alias" "this" {
  for_each = toset(var.services)

  name             = each.key
  description      = "spiffe://${var.trust_domain}/${each.key}"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention
  kms_key_id        = var.kms_key_arn

  tags = merge(var.tags, { Name = "/aws/lambda/${var.name}" })
}

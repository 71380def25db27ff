# The same decisions over HTTPS, for callers outside the mesh. Requests are signed with IAM
# credentials (SigV4); who may ask is said by `execute-api:Invoke` in the caller's policy.

resource "aws_apigatewayv2_api" "this" {
  count = var.api ? 1 : 0

  name          = local.function_name
  description   = "Decisions of ${var.name}"
  protocol_type = "HTTP"
  tags          = var.tags
}

resource "aws_apigatewayv2_integration" "this" {
  count = var.api ? 1 : 0

  api_id                 = aws_apigatewayv2_api.this[0].id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_alias.live.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = var.timeout * 1000
}

resource "aws_apigatewayv2_route" "decide" {
  count = var.api ? 1 : 0

  api_id             = aws_apigatewayv2_api.this[0].id
  route_key          = "POST /api/v1/decide"
  authorization_type = "AWS_IAM"
  target             = "integrations/${aws_apigatewayv2_integration.this[0].id}"
}

resource "aws_apigatewayv2_stage" "this" {
  count = var.api ? 1 : 0

  api_id      = aws_apigatewayv2_api.this[0].id
  name        = "$default"
  auto_deploy = true
  tags        = var.tags

  default_route_settings {
    detailed_metrics_enabled = true
    throttling_burst_limit   = var.concurrency
    throttling_rate_limit    = var.concurrency * 10
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api[0].arn

    format = jsonencode({
      time       = "$context.requestTime"
      request_id = "$context.requestId"
      caller     = "$context.identity.userArn"
      source     = "$context.identity.sourceIp"
      route      = "$context.routeKey"
      status     = "$context.status"
      latency_ms = "$context.responseLatency"
      error      = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_cloudwatch_log_group" "api" {
  count = var.api ? 1 : 0

  name              = "/${var.name}/governance-api"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_permission" "api" {
  count = var.api ? 1 : 0

  statement_id  = "Api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this[0].execution_arn}/*/POST/api/v1/decide"
}

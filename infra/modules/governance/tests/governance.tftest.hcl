mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/shop-prod-governance" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:111122223333:shop-prod-governance-dlq" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111122223333:log-group:/shop-prod/governance" }
  }

  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      api_endpoint  = "https://abc.execute-api.eu-central-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:eu-central-1:111122223333:abc"
    }
  }
}

variables {
  name               = "shop-prod"
  environment        = "prod"
  region             = "eu-central-1"
  package            = "governance.zip"
  package_hash       = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  subnet_ids         = ["subnet-a", "subnet-b"]
  security_group_ids = ["sg-1"]
  kms_key_arn        = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
}

run "function" {
  command = apply

  assert {
    condition     = aws_lambda_function.this.handler == "fairway.governance.lambda_handler.handler"
    error_message = "The handler is the one of the governance package."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 20
    error_message = "Concurrency is limited."
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables.FAIRWAY_AUDIT_TABLE == "shop-prod-governance-audit"
    error_message = "The function knows its tables."
  }

  assert {
    condition     = aws_lambda_function.this.kms_key_arn == var.kms_key_arn && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "Variables and logs are encrypted with the given key."
  }

  assert {
    condition     = toset(output.alarm_names) == toset([for kind in ["concurrency", "duration", "errors", "throttles"] : "shop-prod-governance-${kind}"])
    error_message = "Failures, throttling, use and duration raise alarms."
  }
}

run "the_audit_is_only_added_to" {
  command = apply

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this.statement : statement.actions
      if anytrue([for action in statement.actions : startswith(action, "dynamodb:")])
    ])) == toset(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"])
    error_message = "The function can neither change nor delete an entry of the audit, nor a policy set."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.this.statement : !contains(statement.resources, "*")])
    error_message = "Every permission names its resource."
  }
}

run "no_api_unless_asked_for" {
  command = apply

  assert {
    condition     = length(aws_apigatewayv2_api.this) == 0 && output.api_url == null
    error_message = "There is no API."
  }
}

run "api_with_iam" {
  command = apply

  variables {
    api = true
  }

  assert {
    condition     = aws_apigatewayv2_route.decide[0].authorization_type == "AWS_IAM"
    error_message = "Requests must be signed."
  }

  assert {
    condition     = endswith(aws_lambda_permission.api[0].source_arn, "/*/POST/api/v1/decide")
    error_message = "The gateway may call the function for this one route."
  }
}

run "slow_decisions_are_refused" {
  command = plan

  variables {
    timeout = 60
  }

  expect_failures = [var.timeout]
}

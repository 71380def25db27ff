mock_provider "aws" {}

variables {
  path        = "/shop-prod/orbit"
  values      = { GREETING = "hello" }
  kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "values_are_encrypted_below_the_path" {
  assert {
    condition     = output.names == { GREETING = "/shop-prod/orbit/GREETING" }
    error_message = "The name is path and name."
  }

  assert {
    condition     = aws_ssm_parameter.this["GREETING"].type == "SecureString" && aws_ssm_parameter.this["GREETING"].key_id == var.kms_key_arn
    error_message = "A value is not encrypted with the given key."
  }
}

run "a_path_without_a_slash_is_refused" {
  command = plan

  variables {
    path = "shop-prod/orbit"
  }

  expect_failures = [var.path]
}

run "an_empty_value_is_refused" {
  command = plan

  variables {
    values = { GREETING = "" }
  }

  expect_failures = [var.values]
}

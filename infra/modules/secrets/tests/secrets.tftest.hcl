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

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-prod/orbit/KEY-AbCdEf" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-prod-orbit-rotation-eu-central-1" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:123456789012:function:shop-prod-orbit-rotation" }
  }
}

variables {
  name             = "shop-prod/orbit"
  region           = "eu-central-1"
  secrets          = { KEY = { description = "A key" } }
  kms_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  reader_role_arns = ["arn:aws:iam::123456789012:role/shop-prod-orbit-task-eu-central-1"]
}

run "secrets_are_made_empty_and_encrypted" {
  assert {
    condition     = output.names == { KEY = "shop-prod/orbit/KEY" } && aws_secretsmanager_secret.this["KEY"].kms_key_id == var.kms_key_arn
    error_message = "The name is that of service and secret, and the key is the service's."
  }

  assert {
    condition     = length(aws_lambda_function.rotation) == 0 && length(output.rotation_principal_arns) == 0
    error_message = "There is a function, but nothing is rotated."
  }
}

run "nobody_but_the_readers_reads" {
  assert {
    condition = [
      for statement in data.aws_iam_policy_document.access["KEY"].statement : one(statement.condition).values
      if statement.sid == "NobodyElseReads"
    ] == [tolist(var.reader_role_arns)]
    error_message = "Somebody else reads."
  }

  assert {
    condition = length(setintersection(
      flatten([for statement in data.aws_iam_policy_document.access["KEY"].statement : tolist(statement.actions)]),
      ["secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy", "secretsmanager:DeleteSecret"],
    )) == 0
    error_message = "The account could be locked out."
  }
}

run "writers_can_be_named" {
  variables {
    writer_role_arns = ["arn:aws:iam::123456789012:role/shop-prod-delivery"]
  }

  assert {
    condition     = contains([for statement in data.aws_iam_policy_document.access["KEY"].statement : statement.sid], "NobodyElseWrites")
    error_message = "Anybody may write."
  }
}

run "a_key_is_rotated" {
  variables {
    secrets = {
      KEY      = { description = "A key", rotate = "random" }
      PASSWORD = { description = "A password of somebody else" }
    }

    rotation_days = 7

    rotation = {
      package            = "rotation.zip"
      package_hash       = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      subnet_ids         = ["subnet-0a"]
      security_group_ids = ["sg-0a"]
      alarm_actions      = ["arn:aws:sns:eu-central-1:123456789012:alarms"]
      kms_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/99999999-2222-3333-4444-555555555555"
    }
  }

  assert {
    condition     = keys(aws_secretsmanager_secret_rotation.this) == ["KEY"] && aws_secretsmanager_secret_rotation.this["KEY"].rotation_rules[0].automatically_after_days == 7
    error_message = "What is marked is rotated, and nothing else."
  }

  assert {
    condition     = aws_secretsmanager_secret.this["KEY"].tags["fairway:rotate"] == "random"
    error_message = "The function does not know how to renew it."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.access["KEY"].statement :
      contains(one(statement.condition).values, "arn:aws:iam::123456789012:role/${aws_iam_role.rotation["rotation"].name}")
      if statement.sid == "NobodyElseReads"
    ])
    error_message = "The function may not read what it renews."
  }

  assert {
    condition = (
      aws_lambda_permission.rotation["KEY"].principal == "secretsmanager.amazonaws.com" &&
      aws_lambda_permission.rotation["KEY"].source_account == "123456789012" &&
      aws_lambda_permission.rotation["KEY"].source_arn == aws_secretsmanager_secret.this["KEY"].arn
    )
    error_message = "Another account's Secrets Manager, or another secret, may call the function."
  }

  assert {
    condition     = aws_lambda_function.rotation["rotation"].kms_key_arn == var.rotation.kms_key_arn && var.rotation.kms_key_arn != var.kms_key_arn
    error_message = "Its variables are encrypted by a key that its role cannot use."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.rotation["rotation"].alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:alarms"])
    error_message = "Nobody is told that a rotation fails."
  }
}

run "a_function_has_64_characters_at_most" {
  command = plan

  variables {
    name = "a-rather-long-app-in-production1/a-service-with-a-name-as-long-as-one-can"
    secrets = {
      KEY      = { description = "A key", rotate = "random" }
      PASSWORD = { description = "A password of somebody else" }
    }

    rotation_days = 7

    rotation = {
      package            = "rotation.zip"
      package_hash       = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      subnet_ids         = ["subnet-0a"]
      security_group_ids = ["sg-0a"]
      alarm_actions      = ["arn:aws:sns:eu-central-1:123456789012:alarms"]
      kms_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/99999999-2222-3333-4444-555555555555"
    }
  }

  assert {
    condition = (
      length(aws_lambda_function.rotation["rotation"].function_name) == 64 &&
      endswith(aws_lambda_function.rotation["rotation"].function_name, "-rotation") &&
      length(aws_iam_role.rotation["rotation"].name) == 64
    )
    error_message = "Lambda or IAM refuses the name, or a deployment may not call the function."
  }
}

run "a_rotation_without_a_function_is_refused" {
  command = plan

  variables {
    secrets = { KEY = { description = "A key", rotate = "random" } }
  }

  expect_failures = [var.secrets]
}

run "what_nobody_can_renew_is_refused" {
  command = plan

  variables {
    secrets = { KEY = { description = "A key", rotate = "oracle" } }

    rotation = {
      package            = "rotation.zip"
      package_hash       = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      subnet_ids         = ["subnet-0a"]
      security_group_ids = ["sg-0a"]
      kms_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/99999999-2222-3333-4444-555555555555"
    }
  }

  expect_failures = [var.secrets]
}

run "a_value_gets_no_older_than_90_days" {
  command = plan

  variables {
    rotation_days = 180
  }

  expect_failures = [var.rotation_days]
}

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

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
  }
}

variables {
  name        = "shop-prod-orbit"
  description = "Secrets of orbit"
  users       = ["arn:aws:iam::123456789012:role/shop-prod-orbit-task-eu-central-1"]
}

run "the_key_rotates" {
  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.rotation_period_in_days == 365
    error_message = "The key does not rotate."
  }

  assert {
    condition     = output.alias_name == "alias/shop-prod-orbit"
    error_message = "The alias is made from the name."
  }
}

run "only_the_named_roles_use_it" {
  assert {
    condition = [
      for statement in data.aws_iam_policy_document.this.statement : statement.sid
      if contains(statement.actions, "kms:Decrypt")
    ] == ["Use"]
    error_message = "Somebody else may decrypt."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this.statement :
      one(statement.condition).variable == "aws:PrincipalArn" && one(statement.condition).values == tolist(var.users)
      if statement.sid == "Use"
    ])
    error_message = "Its use is not bound to the roles."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.this.statement : [
        for action in statement.actions : !strcontains(action, "*")
      ]
    ]))
    error_message = "Actions are written out."
  }
}

run "a_key_without_users_can_still_be_administered" {
  variables {
    users = []
  }

  assert {
    condition     = data.aws_iam_policy_document.this.statement[*].sid == tolist(["Administer"])
    error_message = "Somebody may use a key that is nobody's."
  }
}

run "services_use_it_for_this_account_only" {
  variables {
    services = ["logs.eu-central-1.amazonaws.com", "events.amazonaws.com"]
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.this.statement : statement.sid => one(statement.condition).variable
      if startswith(statement.sid, "UseBy")
      } == {
      UseByEventsForBuses  = "kms:EncryptionContext:aws:events:event-bus:arn"
      UseByEventsForTopics = "kms:EncryptionContext:aws:sns:topicArn"
      UseByLogs            = "kms:EncryptionContext:aws:logs:arn"
      UseByServices        = "aws:SourceAccount"
    }
    error_message = "A service may use the key for another account."
  }
}

run "the_account_uses_a_shared_key_through_services" {
  variables {
    account_via = ["s3.eu-central-1.amazonaws.com"]
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this.statement :
      contains([for condition in statement.condition : condition.variable], "kms:GrantIsForAWSResource")
      if contains(statement.actions, "kms:CreateGrant")
    ])
    error_message = "A grant to somebody other than AWS is possible."
  }
}

run "administrators_can_be_named" {
  variables {
    admins = ["arn:aws:iam::123456789012:role/keys"]
  }

  assert {
    condition     = contains(one(data.aws_iam_policy_document.this.statement[0].condition).values, "arn:aws:iam::123456789012:root")
    error_message = "The account itself is always an administrator."
  }
}

run "a_service_is_a_principal" {
  command = plan

  variables {
    services = ["logs"]
  }

  expect_failures = [var.services]
}

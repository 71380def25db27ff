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
    defaults = {
      arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      key_id = "11111111-2222-3333-4444-555555555555"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-prod-identity-eu-central-1" }
  }

  mock_resource "aws_lambda_function" {
    defaults = {
      arn     = "arn:aws:lambda:eu-central-1:123456789012:function:shop-prod-identity"
      version = "3"
    }
  }
}

variables {
  name         = "shop-prod-identity"
  region       = "eu-central-1"
  services     = ["orbit", "axon", "gateway"]
  package      = "identity.zip"
  package_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
  trust_domain = "shop.prod"
  kms_key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/99999999-2222-3333-4444-555555555555"
  authority    = { bucket = "shop-prod-config", kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/99999999-2222-3333-4444-555555555555" }
  vpc          = { subnet_ids = ["subnet-0a"], security_group_ids = ["sg-0a"] }
}

run "every_service_has_an_alias_of_the_published_version" {
  assert {
    condition     = sort(keys(output.alias_arns)) == tolist(["axon", "gateway", "orbit"])
    error_message = "A service cannot get a certificate."
  }

  assert {
    condition     = alltrue([for alias in aws_lambda_alias.this : alias.function_version == "3"]) && aws_lambda_function.this.publish
    error_message = "An alias leads to code that may still change."
  }
}

run "the_key_signs_for_the_function_alone" {
  assert {
    condition     = aws_kms_key.this.key_usage == "SIGN_VERIFY" && aws_kms_key.this.customer_master_key_spec == "ECC_NIST_P256"
    error_message = "It is no key of an authority."
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.key.statement : join(" ", one(statement.condition).values)
      if contains(statement.actions, "kms:Sign")
    ] == [aws_iam_role.this.arn]
    error_message = "Somebody else may sign, or the function may not."
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables["KEY_ID"] == aws_kms_key.this.key_id
    error_message = "The function signs with another key."
  }
}

run "whoever_makes_the_certificate_may_sign_too" {
  variables {
    signers = ["arn:aws:iam::123456789012:role/shop-prod-delivery"]
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.key.statement : contains(one(statement.condition).values, var.signers[0])
      if statement.sid == "Sign"
    ])
    error_message = "Nobody could make the authority's certificate."
  }
}

run "only_lambda_takes_the_role" {
  assert {
    condition     = one(data.aws_iam_policy_document.trust.statement[0].principals).identifiers == toset(["lambda.amazonaws.com"])
    error_message = "Somebody else may take the role."
  }
}

run "a_certificate_lives_for_a_day_at_most" {
  command = plan

  variables {
    lifetime = 90000
  }

  expect_failures = [var.lifetime]
}

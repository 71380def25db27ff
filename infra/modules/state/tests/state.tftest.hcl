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
}

variables {
  name        = "shop-prod"
  bucket_name = "shop-prod-state-111122223333"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
}

run "names" {
  command = apply

  assert {
    condition     = output.table_name == "shop-prod-fairway"
    error_message = "Fairway looks for its table under this name."
  }
}

run "locked_by_a_file_and_encrypted" {
  command = apply

  assert {
    condition     = output.backend.use_lockfile && output.backend.encrypt
    error_message = "State is locked by a lock file and encrypted."
  }

  assert {
    condition     = output.backend.kms_key_id == var.kms_key_arn
    error_message = "State is encrypted with the given key."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.state.statement[2].effect == "Deny"
      && contains(data.aws_iam_policy_document.state.statement[2].condition[*].values, tolist([var.kms_key_arn]))
    )
    error_message = "Uploads with another key must be denied."
  }
}

run "only_the_named_roles_and_this_account" {
  command = apply

  variables {
    role_arns = ["arn:aws:iam::111122223333:role/shop-prod-ci-deploy"]
  }

  assert {
    condition = [
      for condition in data.aws_iam_policy_document.state.statement[0].condition :
      "${condition.test} ${condition.variable} ${one(condition.values)}"
    ] == ["StringNotEquals aws:PrincipalAccount 111122223333"]
    error_message = "Another account could come."
  }

  assert {
    condition = toset([
      for condition in data.aws_iam_policy_document.state.statement[1].condition :
      "${condition.test} ${condition.variable} ${one(condition.values)}"
      ]) == toset([
      "ArnLike aws:PrincipalArn arn:aws:iam::111122223333:role/shop-prod-*",
      "ArnNotEquals aws:PrincipalArn arn:aws:iam::111122223333:role/shop-prod-ci-deploy",
    ])
    error_message = "A role of a service could come."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.state.statement :
      statement.effect == "Deny" && one(statement.principals).identifiers == toset(["*"])
    ])
    error_message = "The policy of the state denies; it gives nothing."
  }
}

mock_provider "aws" {
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
      one(data.aws_iam_policy_document.encrypted.statement).effect == "Deny"
      && contains(one(data.aws_iam_policy_document.encrypted.statement).condition[*].values, tolist([var.kms_key_arn]))
    )
    error_message = "Uploads with another key must be denied."
  }
}

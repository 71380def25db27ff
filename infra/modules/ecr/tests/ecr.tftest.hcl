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
}

variables {
  repositories = ["shop-prod/orbit", "shop-prod/axon"]
  kms_key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "a_tag_names_one_image_for_ever" {
  assert {
    condition     = alltrue([for it in aws_ecr_repository.this : it.image_tag_mutability == "IMMUTABLE"])
    error_message = "A tag can be moved."
  }

  assert {
    condition     = alltrue([for it in aws_ecr_repository.this : it.image_scanning_configuration[0].scan_on_push && it.encryption_configuration[0].kms_key == var.kms_key_arn])
    error_message = "Images are scanned and encrypted."
  }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["shop-prod/axon"].policy).rules[1].selection.countNumber == 100
    error_message = "The last 100 images are kept."
  }

  assert {
    condition     = length(aws_ecr_replication_configuration.this) == 0 && length(aws_ecr_repository_policy.this) == 0
    error_message = "Nothing is copied and nobody is named unless asked for."
  }
}

run "images_are_copied_to_other_regions" {
  variables {
    replica_regions = ["eu-west-1", "us-east-1"]
  }

  assert {
    condition     = one(one(aws_ecr_replication_configuration.this).replication_configuration).rule[0].destination[*].region == tolist(["eu-west-1", "us-east-1"])
    error_message = "A region gets no copy."
  }

  assert {
    condition     = one(one(one(aws_ecr_replication_configuration.this).replication_configuration).rule[0].repository_filter).filter == "shop-prod/"
    error_message = "Only this environment's images are copied."
  }
}

run "nobody_but_the_writers_pushes" {
  variables {
    readers = ["arn:aws:iam::123456789012:role/shop-prod-*-execution-*"]
    writers = ["arn:aws:iam::123456789012:role/shop-prod-delivery"]
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.access.statement :
      statement.effect == "Deny" && contains(statement.actions, "ecr:PutImage") && contains(one(statement.condition).values, var.writers[0])
    ])
    error_message = "Others may push."
  }

  assert {
    condition     = length(aws_ecr_repository_policy.this) == 2
    error_message = "Each repository has the policy."
  }
}

run "too_few_images_are_refused" {
  command = plan

  variables {
    keep = 3
  }

  expect_failures = [var.keep]
}

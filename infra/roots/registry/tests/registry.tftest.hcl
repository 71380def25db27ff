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

mock_provider "aws" {
  alias = "second"

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
    defaults = { arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
  }
}

mock_provider "aws" {
  alias = "third"

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
    defaults = { arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
  }
}

variables {
  app          = "shop"
  environment  = "prod"
  name         = "shop-prod"
  region       = "eu-central-1"
  repositories = ["cart", "fairway"]
}

run "one_region_has_no_copies" {
  assert {
    condition     = length(module.second) + length(module.third) + length(module.second_key) == 0
    error_message = "There is a copy, and no region for it."
  }
}

run "every_other_region_has_the_same_repositories" {
  variables {
    replica_regions = ["eu-west-1", "us-east-1"]
  }

  assert {
    condition     = alltrue([for it in concat(module.second, module.third) : keys(it.arns) == keys(module.registry.arns)])
    error_message = "Replication would have to make a repository, without scans and with tags that can be moved."
  }

  assert {
    condition     = length(module.second) == 1 && length(module.third) == 1
    error_message = "A region has no copies."
  }

  assert {
    condition     = length(distinct([module.key.key_arn, module.second_key[0].key_arn, module.third_key[0].key_arn])) == 3
    error_message = "Images are encrypted by a key of another region."
  }
}

run "a_removed_region_is_not_looked_for_where_images_are" {
  command = plan

  variables {
    region          = "us-east-1"
    replica_regions = ["eu-west-1"]
  }

  assert {
    condition     = !contains(concat([var.region], var.replica_regions), local.elsewhere)
    error_message = "The copies of a region that is removed would be deleted where the images are."
  }
}

run "a_region_without_a_provider_is_refused" {
  command = plan

  variables {
    replica_regions = ["eu-west-1", "us-east-1", "us-west-2"]
  }

  expect_failures = [var.replica_regions]
}

# The state of every root, one object each; Terraform locks it by a lock file beside it.
module "bucket" {
  source = "../bucket"

  name                = var.bucket_name
  kms_key_arn         = var.kms_key_arn
  access_log          = var.access_log
  noncurrent_days     = var.noncurrent_days
  noncurrent_versions = var.noncurrent_versions
  force_destroy       = var.force_destroy
  policy_documents    = [data.aws_iam_policy_document.state.json]
  tags                = var.tags
}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  bucket    = "arn:${local.partition}:s3:::${var.bucket_name}"
}

# State tells everything about resources, some of it secret. What comes in the clear is refused by the module bucket;
# here are refused other accounts, roles of the environment but the named ones, and uploads that ask for another key.
# Who in the account may come otherwise (whoever bootstraps) is said by its IAM policies: nobody is locked out.
data "aws_iam_policy_document" "state" {
  statement {
    sid       = "OnlyThisAccount"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket, "${local.bucket}/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    # Services of AWS have no account; none of them has anything to do here.
    condition {
      test     = "StringNotEquals"
      variable = "aws:PrincipalAccount"
      values   = [local.account]
    }
  }

  statement {
    sid       = "OfTheEnvironmentOnlyTheNamedRoles"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket, "${local.bucket}/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:PrincipalArn"
      values   = ["arn:${local.partition}:iam::${local.account}:role/${var.name}-*"]
    }

    dynamic "condition" {
      for_each = length(var.role_arns) > 0 ? [var.role_arns] : []

      content {
        test     = "ArnNotEquals"
        variable = "aws:PrincipalArn"
        values   = condition.value
      }
    }
  }

  statement {
    sid       = "OnlyWithTheKey"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket}/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    # Where an upload names no key, the bucket's default applies, which is the key.
    condition {
      test     = "Null"
      variable = "s3:x-amz-server-side-encryption-aws-kms-key-id"
      values   = ["false"]
    }

    condition {
      test     = "StringNotEquals"
      variable = "s3:x-amz-server-side-encryption-aws-kms-key-id"
      values   = [var.kms_key_arn]
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# What should stand in each environment, written under a fence by whoever deploys.
module "table" {
  source = "../table"

  name                = "${var.name}-fairway"
  hash_key            = { name = "environment" }
  kms_key_arn         = var.kms_key_arn
  deletion_protection = var.deletion_protection
  tags                = var.tags
}

# The state of every root, one object each; Terraform locks it by a lock file beside it.
module "bucket" {
  source = "../bucket"

  name                = var.bucket_name
  kms_key_arn         = var.kms_key_arn
  access_log          = var.access_log
  noncurrent_days     = var.noncurrent_days
  noncurrent_versions = var.noncurrent_versions
  force_destroy       = var.force_destroy
  policy_documents    = [data.aws_iam_policy_document.encrypted.json]
  tags                = var.tags
}

# State holds secrets of resources: an upload that asks for another encryption is refused.
data "aws_iam_policy_document" "encrypted" {
  statement {
    sid       = "OnlyWithTheKey"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${var.bucket_name}/*"]

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

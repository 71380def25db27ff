# The files of the sites. The bucket's policy names the distribution, so the distribution names the bucket
# by its host name and not by the module's output: otherwise each would wait for the other.

module "bucket" {
  source   = "../bucket"
  for_each = var.services

  name             = each.value.bucket
  kms_key_arn      = var.kms_key_arn
  access_log       = { bucket = var.access_log_bucket }
  policy_documents = [data.aws_iam_policy_document.bucket[each.key].json]
  force_destroy    = var.force_destroy
  tags             = var.tags
}

data "aws_iam_policy_document" "bucket" {
  for_each = var.services

  statement {
    sid       = "OnlyItsDistribution"
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${each.value.bucket}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudfront_distribution.this[each.key].arn]
    }
  }
}

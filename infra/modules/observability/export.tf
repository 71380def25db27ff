# Every log group streams to S3 through Firehose; the README says why so.

locals {
  exported = var.export == null ? {} : local.log_groups
}

resource "aws_cloudwatch_log_subscription_filter" "export" {
  for_each = local.exported

  name            = "${var.name}-export"
  log_group_name  = each.value
  filter_pattern  = ""
  destination_arn = aws_kinesis_firehose_delivery_stream.export[0].arn
  role_arn        = aws_iam_role.subscription[0].arn

  # CloudWatch Logs sends a test record, for which the role must be allowed already.
  depends_on = [aws_iam_role_policy.subscription]
}

resource "aws_kinesis_firehose_delivery_stream" "export" {
  count = var.export == null ? 0 : 1

  name        = "${var.name}-logs"
  destination = "extended_s3"
  tags        = merge(var.tags, { Name = "${var.name}-logs" })

  server_side_encryption {
    enabled  = true
    key_type = "CUSTOMER_MANAGED_CMK"
    key_arn  = var.kms_key_arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.delivery[0].arn
    bucket_arn          = var.export.bucket_arn
    kms_key_arn         = var.kms_key_arn
    prefix              = "${var.export.prefix}!{timestamp:yyyy/MM/dd/HH}/"
    error_output_prefix = "${var.export.prefix}failed/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    buffering_size      = 64
    buffering_interval  = 900

    # Records of CloudWatch Logs are gzip members already, and members one after another are a gzip
    # file: what would unpack them is paid for and not needed.
    compression_format = "UNCOMPRESSED"
    file_extension     = ".json.gz"

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.export[0].name
      log_stream_name = aws_cloudwatch_log_stream.export[0].name
    }
  }

  depends_on = [aws_iam_role_policy.delivery]
}

resource "aws_cloudwatch_log_group" "export" {
  count = var.export == null ? 0 : 1

  name              = "/${var.name}/log-export"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_cloudwatch_log_stream" "export" {
  count = var.export == null ? 0 : 1

  name           = "delivery"
  log_group_name = aws_cloudwatch_log_group.export[0].name
}

resource "aws_iam_role" "subscription" {
  count = var.export == null ? 0 : 1

  name                 = "${var.name}-log-subscription-${var.region}"
  assume_role_policy   = data.aws_iam_policy_document.export_trust["logs.amazonaws.com"].json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "subscription" {
  count = var.export == null ? 0 : 1

  name   = "write-to-the-stream"
  role   = aws_iam_role.subscription[0].id
  policy = data.aws_iam_policy_document.subscription[0].json
}

data "aws_iam_policy_document" "subscription" {
  count = var.export == null ? 0 : 1

  statement {
    actions   = ["firehose:PutRecord", "firehose:PutRecordBatch"]
    resources = [aws_kinesis_firehose_delivery_stream.export[0].arn]
  }
}

resource "aws_iam_role" "delivery" {
  count = var.export == null ? 0 : 1

  name                 = "${var.name}-log-delivery-${var.region}"
  assume_role_policy   = data.aws_iam_policy_document.export_trust["firehose.amazonaws.com"].json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "delivery" {
  count = var.export == null ? 0 : 1

  name   = "write-to-the-bucket"
  role   = aws_iam_role.delivery[0].id
  policy = data.aws_iam_policy_document.delivery[0].json
}

data "aws_iam_policy_document" "delivery" {
  count = var.export == null ? 0 : 1

  statement {
    sid       = "FindTheBucket"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [var.export.bucket_arn]
  }

  statement {
    sid       = "WriteObjects"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = ["${var.export.bucket_arn}/${var.export.prefix}*"]
  }

  statement {
    sid       = "Encrypt"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
  }

  statement {
    sid       = "SayWhatFailed"
    actions   = ["logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.export[0].arn}:log-stream:*"]
  }
}

data "aws_iam_policy_document" "export_trust" {
  for_each = toset(["firehose.amazonaws.com", "logs.amazonaws.com"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.value]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

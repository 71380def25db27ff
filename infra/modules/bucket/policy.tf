data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "this" {
  source_policy_documents = var.policy_documents

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = var.log_sources

    content {
      sid     = "Logs${replace(title(replace(statement.value, "-", " ")), " ", "")}"
      actions = ["s3:PutObject"]

      # Load balancers say for which account they write by the name of the object, and by nothing else that AWS documents.
      # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
      resources = [
        statement.value == "load-balancer"
        ? "${aws_s3_bucket.this.arn}/*/AWSLogs/${data.aws_caller_identity.current.account_id}/*"
        : "${aws_s3_bucket.this.arn}/*"
      ]

      principals {
        type        = "Service"
        identifiers = [local.log_services[statement.value]]
      }

      dynamic "condition" {
        for_each = statement.value == "load-balancer" ? [] : [data.aws_caller_identity.current.account_id]

        content {
          test     = "StringEquals"
          variable = "aws:SourceAccount"
          values   = [condition.value]
        }
      }
    }
  }

  # Flow logs look at the bucket's policy before they write.
  dynamic "statement" {
    for_each = contains(var.log_sources, "flow-logs") ? [1] : []

    content {
      sid       = "LogsFlowLogsLook"
      actions   = ["s3:GetBucketAcl", "s3:ListBucket"]
      resources = [aws_s3_bucket.this.arn]

      principals {
        type        = "Service"
        identifiers = [local.log_services["flow-logs"]]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [data.aws_caller_identity.current.account_id]
      }
    }
  }
}

locals {
  log_services = {
    load-balancer = "logdelivery.elasticloadbalancing.amazonaws.com"
    s3            = "logging.s3.amazonaws.com"
    flow-logs     = "delivery.logs.amazonaws.com"
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.this.json

  # Both change the same settings of S3, which refuses one while the other is under way.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

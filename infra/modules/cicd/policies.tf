# Reading settings is what a plan is for; reading what the app's users stored is not.
data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "ReadTheState"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${var.state.bucket_arn}/*"]
  }

  statement {
    sid       = "LockTheState"
    actions   = ["s3:DeleteObject", "s3:PutObject"]
    resources = ["${var.state.bucket_arn}/*.tflock"]
  }

  statement {
    sid       = "DecryptTheState"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.state.kms_key_arn]
  }

  statement {
    sid           = "NoObjectsButTheState"
    effect        = "Deny"
    actions       = ["s3:GetObject", "s3:GetObjectVersion"]
    not_resources = ["${var.state.bucket_arn}/*"]
  }

  statement {
    sid    = "NoItemsButFairways"
    effect = "Deny"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:GetItem",
      "dynamodb:GetRecords",
      "dynamodb:PartiQLSelect",
      "dynamodb:Query",
      "dynamodb:Scan",
    ]
    not_resources = var.state.table_arns
  }

  statement {
    sid    = "NoMessagesAndNoLogs"
    effect = "Deny"
    actions = [
      "logs:FilterLogEvents",
      "logs:GetLogEvents",
      "logs:GetQueryResults",
      "logs:StartLiveTail",
      "logs:StartQuery",
      "sqs:ReceiveMessage",
    ]
    resources = ["*"]
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  root    = "arn:${data.aws_partition.current.partition}:iam::${local.account}:root"

  # A key's policy speaks of this key, whatever resource it names.
  this_key = ["arn:${data.aws_partition.current.partition}:kms:*:${local.account}:key/*"]

  # CloudWatch Logs proves for whom it asks by the ARN of a log group, other services by the account.
  logs   = [for service in var.services : service if startswith(service, "logs.")]
  others = [for service in var.services : service if !startswith(service, "logs.")]

  # EventBridge names no account when it publishes to an encrypted topic, nor when it replays an archive: a statement
  # about the source of the request would turn it away, so these say for what the key is used.
  # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
  used_by_events = contains(var.services, "events.amazonaws.com") ? {
    Buses  = { context = "aws:events:event-bus:arn", kind = "events:*:${local.account}:event-bus/*" }
    Topics = { context = "aws:sns:topicArn", kind = "sns:*:${local.account}:*" }
  } : {}

  use = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
  ]
}

data "aws_iam_policy_document" "this" {
  # Without this statement nobody could ever change the key again. It lets nobody encrypt or decrypt.
  statement {
    sid       = "Administer"
    resources = local.this_key
    actions = [
      "kms:CancelKeyDeletion",
      "kms:CreateAlias",
      "kms:DeleteAlias",
      "kms:DescribeKey",
      "kms:DisableKey",
      "kms:DisableKeyRotation",
      "kms:EnableKey",
      "kms:EnableKeyRotation",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListGrants",
      "kms:ListKeyPolicies",
      "kms:ListKeyRotations",
      "kms:ListResourceTags",
      "kms:PutKeyPolicy",
      "kms:RevokeGrant",
      "kms:RotateKeyOnDemand",
      "kms:ScheduleKeyDeletion",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ]

    principals {
      type        = "AWS"
      identifiers = [local.root]
    }

    dynamic "condition" {
      for_each = length(var.admins) > 0 ? [concat(var.admins, [local.root])] : []

      content {
        test     = "ArnEquals"
        variable = "aws:PrincipalArn"
        values   = condition.value
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.users) > 0 ? [var.users] : []

    content {
      sid       = "Use"
      actions   = local.use
      resources = local.this_key

      principals {
        type        = "AWS"
        identifiers = [local.root]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:PrincipalArn"
        values   = statement.value
      }
    }
  }

  # Secrets Manager decrypts on behalf of the caller when it makes a new version of a secret.
  dynamic "statement" {
    for_each = length(var.secret_writers) > 0 ? [var.secret_writers] : []

    content {
      sid       = "SetSecrets"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
      resources = local.this_key

      principals {
        type        = "AWS"
        identifiers = [local.root]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:PrincipalArn"
        values   = statement.value
      }

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["secretsmanager.*.amazonaws.com"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.account_via) > 0 ? [var.account_via] : []

    content {
      sid       = "UseThroughServices"
      actions   = local.use
      resources = local.this_key

      principals {
        type        = "AWS"
        identifiers = [local.root]
      }

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = statement.value
      }
    }
  }

  # Databases, tables and queues keep using the key after whoever made them is gone: by a grant, for AWS only.
  dynamic "statement" {
    for_each = length(var.account_via) > 0 ? [var.account_via] : []

    content {
      sid       = "GrantToServices"
      actions   = ["kms:CreateGrant"]
      resources = local.this_key

      principals {
        type        = "AWS"
        identifiers = [local.root]
      }

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = statement.value
      }

      condition {
        test     = "Bool"
        variable = "kms:GrantIsForAWSResource"
        values   = ["true"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(local.others) > 0 ? [local.others] : []

    content {
      sid       = "UseByServices"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
      resources = local.this_key

      principals {
        type        = "Service"
        identifiers = statement.value
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account]
      }
    }
  }

  dynamic "statement" {
    for_each = local.used_by_events

    content {
      sid       = "UseByEventsFor${statement.key}"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = local.this_key

      principals {
        type        = "Service"
        identifiers = ["events.amazonaws.com"]
      }

      condition {
        test     = "ArnLike"
        variable = "kms:EncryptionContext:${statement.value.context}"
        values   = ["arn:${data.aws_partition.current.partition}:${statement.value.kind}"]
      }
    }
  }

  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
  dynamic "statement" {
    for_each = length(local.logs) > 0 ? [local.logs] : []

    content {
      sid       = "UseByLogs"
      actions   = local.use
      resources = local.this_key

      principals {
        type        = "Service"
        identifiers = statement.value
      }

      condition {
        test     = "ArnLike"
        variable = "kms:EncryptionContext:aws:logs:arn"
        values   = ["arn:${data.aws_partition.current.partition}:logs:*:${local.account}:log-group:*"]
      }
    }
  }
}

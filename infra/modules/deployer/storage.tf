# Buckets, keys, secrets and parameters. Objects are read and written where Fairway keeps its own.

locals {
  storage = {
    ManageBuckets = {
      global = true # a bucket's ARN has no region
      actions = [
        "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:GetAccelerateConfiguration",
        "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLocation", "s3:GetBucketLogging",
        "s3:GetBucketNotification", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketRequestPayment", "s3:GetBucketTagging",
        "s3:GetBucketVersioning", "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket", "s3:ListBucketVersions",
        "s3:PutBucketLogging", "s3:PutBucketNotification", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration",
      ]
      resources = ["arn:${local.partition}:s3:::${var.name}-*"]
    }
    KeepStateAndTellEnvoys = {
      global    = true
      actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      resources = [for thing in ["config", "state"] : "arn:${local.partition}:s3:::${var.name}-${thing}-*/*"]
    }
    TheStateStays = {
      global = true
      effect = "Deny"
      actions = [
        "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObjectVersion", "s3:PutBucketPolicy",
        "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
      ]
      resources = ["arn:${local.partition}:s3:::${var.name}-state-*"]
    }
    MakeKeys = {
      tagged    = "new"
      actions   = ["kms:CreateKey", "kms:TagResource"]
      resources = ["*"] # what is made has no ARN yet
      when      = local.not_of_another
    }
    ManageKeys = {
      tagged = "own"
      actions = [
        "kms:CreateAlias", "kms:CreateGrant", "kms:Decrypt", "kms:DeleteAlias", "kms:DescribeKey",
        "kms:DisableKeyRotation", "kms:EnableKeyRotation", "kms:Encrypt", "kms:GenerateDataKey", "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus", "kms:GetPublicKey", "kms:ListResourceTags", "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion", "kms:Sign", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
      ]
      resources = ["${local.arn.kms}:key/*"]
    }
    # It would take the state or the control plane with it.
    KeysItStandsOnStay = {
      effect = "Deny"
      actions = [
        "kms:CreateGrant", "kms:DeleteAlias", "kms:DisableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion",
        "kms:UpdateAlias",
      ]
      resources = ["${local.arn.kms}:key/*"]
      when = {
        "kms:ResourceAliases" = {
          test   = "ForAnyValue:StringEquals"
          values = [for thing in ["state", "server"] : "alias/${var.name}-${thing}"]
        }
      }
    }
    NameKeys = {
      actions   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
      resources = ["${local.arn.kms}:alias/${var.name}-*"]
    }
    FindKeys = {
      actions   = ["kms:ListAliases"]
      resources = ["*"] # a list of everything
    }
    # A service's secret refuses by its own policy to be read by anybody but the service.
    KeepSecrets = {
      actions = [
        "secretsmanager:CancelRotateSecret", "secretsmanager:CreateSecret", "secretsmanager:DeleteResourcePolicy",
        "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
        "secretsmanager:GetSecretValue", "secretsmanager:PutResourcePolicy", "secretsmanager:PutSecretValue",
        "secretsmanager:RotateSecret", "secretsmanager:TagResource", "secretsmanager:UntagResource",
        "secretsmanager:UpdateSecret", "secretsmanager:ValidateResourcePolicy",
      ]
      resources = ["${local.arn.secretsmanager}:secret:${var.name}/*"]
    }
    FirstToken = {
      actions   = ["secretsmanager:PutSecretValue"]
      resources = ["${local.arn.secretsmanager}:secret:${var.name}-server/first-token-*"]
    }
    # RDS makes the master's secret in the name of who makes the database.
    SecretsOfDatabases = {
      actions   = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
      resources = ["${local.arn.secretsmanager}:secret:rds!*"]
    }
    KeepParameters = {
      actions = [
        "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParameters",
        "ssm:ListTagsForResource", "ssm:PutParameter", "ssm:RemoveTagsFromResource",
      ]
      resources = ["${local.arn.ssm}:parameter/${var.name}/*"]
    }
  }
}

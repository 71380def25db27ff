# The most that a role which a deployment makes may ever do, as permissions boundaries that a deployment cannot change:
# whoever bootstraps makes them. One is for everything that runs; what copies data has one of its own. Both end at the
# environment, and what is a service's own (tag `service` of its roles) at the service: see docs/decisions/0023.

locals {
  service = "$${aws:PrincipalTag/service}" # no tag, no such thing

  boundaries = {
    boundary        = local.programs
    boundary-backup = local.copying
  }

  programs = {
    OwnSecrets = {
      actions = [
        "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ]
      resources = ["${local.arn.secretsmanager}:secret:${var.name}/${local.service}/*"]
    }
    OwnIdentity = {
      actions = ["lambda:InvokeFunction", "rds-db:connect"]
      resources = [
        "${local.arn.lambda}:function:${var.name}-identity:${local.service}",
        "${local.arn.lambda}:function:${var.name}-governance:live",
        "${local.arn.rds-db}:dbuser:*/${local.service}",
      ]
    }
    Caches = {
      actions   = ["elasticache:Connect"]
      resources = [for kind in ["replicationgroup", "user"] : "${local.arn.elasticache}:${kind}:${var.name}-*"]
    }
    Tables = {
      actions = [
        "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem",
        "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan",
        "dynamodb:UpdateItem",
      ]
      resources = ["${local.arn.dynamodb}:table/${var.name}-*", "${local.arn.dynamodb}:table/telemetry-${var.name}"]
    }
    Objects = {
      actions = [
        "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging", "s3:GetReplicationConfiguration",
        "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:PutObject", "s3:ReplicateDelete", "s3:ReplicateObject",
        "s3:ReplicateTags",
      ]
      resources = ["arn:${local.partition}:s3:::${var.name}-*"]
    }
    Events = {
      actions = [
        "events:PutEvents", "firehose:PutRecord", "firehose:PutRecordBatch", "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage",
      ]
      resources = [
        "${local.arn.events}:event-bus/${var.name}",
        "${local.arn.firehose}:deliverystream/${var.name}-*",
        "${local.arn.sqs}:${var.name}-*",
      ]
    }
    Images = {
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = ["${local.arn.ecr}:repository/${var.name}/*"]
    }
    # RDS calls its group of measurements RDSOSMetrics, whatever the environment.
    Logs = {
      actions = [
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:GetLogEvents",
        "logs:PutLogEvents", "logs:PutRetentionPolicy",
      ]
      resources = [
        for group in ["/fairway/${var.name}*", "/${var.name}/*", "/aws/lambda/${var.name}-*", "RDS*"] :
        "${local.arn.logs}:log-group:${group}"
      ]
    }
    Keys = {
      tagged    = "own"
      actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GetPublicKey", "kms:Sign"]
      resources = ["${local.arn.kms}:key/*"]
    }
    Interfaces = {
      actions   = ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
      resources = ["${local.arn.ec2}:network-interface/*"]
    }
    # Lambda asks for this without naming a kind: it refuses a role that has it for network-interface/* alone.
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    InterfacesGo = {
      actions   = ["ec2:DeleteNetworkInterface"]
      resources = ["${local.arn.ec2}:*/*"]
    }
    InterfacesInItsNetwork = {
      tagged    = "own"
      actions   = ["ec2:CreateNetworkInterface"]
      resources = ["${local.arn.ec2}:security-group/*", "${local.arn.ec2}:subnet/*"]
    }
    Unnamed = {
      actions = [
        "cloudwatch:PutMetricData", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ecr:GetAuthorizationToken",
        "logs:DescribeLogGroups", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel", "xray:GetSamplingRules",
        "xray:GetSamplingStatisticSummaries", "xray:GetSamplingTargets", "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
      ]
      resources = ["*"] # AWS knows no resource for these
    }
    NothingOfFairway = {
      effect  = "Deny"
      actions = ["dynamodb:*", "s3:*"]
      resources = [
        "${local.arn.dynamodb}:table/${var.name}-fairway",
        "arn:${local.partition}:s3:::${var.name}-state-*",
      ]
    }
  }

  # What AWS's own policies for AWS Backup allow, of DynamoDB, RDS and S3: for this environment.
  # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html
  copying = {
    Tables = {
      actions = [
        "dynamodb:BatchWriteItem", "dynamodb:CreateBackup", "dynamodb:DeleteBackup", "dynamodb:DeleteItem",
        "dynamodb:DescribeBackup", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:ListTagsOfResource",
        "dynamodb:PutItem", "dynamodb:Query", "dynamodb:RestoreTableFromAwsBackup", "dynamodb:RestoreTableFromBackup",
        "dynamodb:Scan", "dynamodb:StartAwsBackupJob", "dynamodb:UpdateItem",
      ]
      resources = ["${local.arn.dynamodb}:table/${var.name}-*"]
    }
    Databases = {
      actions = [
        "rds:AddTagsToResource", "rds:CreateDBSnapshot", "rds:DeleteDBInstance", "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots", "rds:ListTagsForResource", "rds:ModifyDBInstance",
        "rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime",
      ]
      resources = [
        "${local.arn.rds}:db:${var.name}-*", "${local.arn.rds}:og:*", "${local.arn.rds}:pg:*",
        "${local.arn.rds}:subgrp:${var.name}-*",
      ]
    }
    # Called by the number of a job. A copy bears the tags of what it is of; a new one has none yet.
    Snapshots = {
      actions = [
        "rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:CreateDBSnapshot", "rds:DeleteDBInstanceAutomatedBackup",
        "rds:DeleteDBSnapshot", "rds:DescribeDBSnapshots", "rds:ListTagsForResource", "rds:ModifyDBSnapshotAttribute",
        "rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime",
      ]
      resources = ["${local.arn.rds}:auto-backup:*", "${local.arn.rds}:snapshot:*"]
      when      = local.not_of_another
    }
    Objects = {
      actions = [
        "s3:CreateBucket", "s3:DeleteObject", "s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketNotification",
        "s3:GetBucketOwnershipControls", "s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:GetInventoryConfiguration",
        "s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging", "s3:ListBucket", "s3:ListBucketVersions", "s3:ListMultipartUploadParts",
        "s3:PutBucketNotification", "s3:PutBucketOwnershipControls", "s3:PutBucketVersioning",
        "s3:PutInventoryConfiguration", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging",
        "s3:PutObjectVersionAcl",
      ]
      resources = ["arn:${local.partition}:s3:::${var.name}-*"]
    }
    Vaults = {
      actions = [
        "backup:CopyFromBackupVault", "backup:CopyIntoBackupVault", "backup:DescribeBackupVault", "backup:TagResource",
      ]
      resources = ["${local.arn.backup}:backup-vault:${var.name}*", "${local.arn.backup}:recovery-point:*"]
    }
    Rules = {
      actions = [
        "events:DeleteRule", "events:DescribeRule", "events:DisableRule", "events:EnableRule",
        "events:ListTargetsByRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets",
      ]
      resources = ["${local.arn.events}:rule/AwsBackupManagedRule*"]
    }
    Keys = {
      tagged = "own"
      actions = [
        "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
      ]
      resources = ["${local.arn.kms}:key/*"]
    }
    Unnamed = {
      actions   = ["cloudwatch:GetMetricData", "events:ListRules", "s3:ListAllMyBuckets", "tag:GetResources"]
      resources = ["*"] # lists are of everything
    }
    NothingOfFairway = local.programs.NothingOfFairway
  }
}

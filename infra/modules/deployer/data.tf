# Databases, caches and tables. Nobody reads what is in them, but Fairway's own tables.

locals {
  data = {
    Look = {
      actions = [
        "elasticache:DescribeCacheEngineVersions",
        "rds:DescribeDBEngineVersions", "rds:DescribeDBInstanceAutomatedBackups",
        "rds:DescribeOrderableDBInstanceOptions", "secretsmanager:GetRandomPassword",
      ]
      resources = ["*"] # lists are of everything; a random password is of nobody
    }
    ManageDatabases = {
      actions = [
        "rds:AddTagsToResource", "rds:CreateDBInstance", "rds:CreateDBInstanceReadReplica",
        "rds:CreateDBParameterGroup", "rds:CreateDBSnapshot", "rds:CreateDBSubnetGroup", "rds:DeleteDBInstance",
        "rds:DeleteDBParameterGroup", "rds:DeleteDBSubnetGroup", "rds:DescribeDBInstances",
        "rds:DescribeDBParameterGroups", "rds:DescribeDBParameters", "rds:DescribeDBSubnetGroups",
        "rds:ListTagsForResource", "rds:ModifyDBInstance", "rds:ModifyDBParameterGroup", "rds:ModifyDBSubnetGroup",
        "rds:RebootDBInstance", "rds:RemoveTagsFromResource", "rds:ResetDBParameterGroup",
      ]
      resources = [for kind in ["db", "pg", "snapshot", "subgrp"] : "${local.arn.rds}:${kind}:${var.name}-*"]
    }
    # Backups in the second region are called by a number.
    CopyBackups = {
      actions = [
        "rds:StartDBInstanceAutomatedBackupsReplication", "rds:StopDBInstanceAutomatedBackupsReplication",
      ]
      resources = ["${local.arn.rds}:auto-backup:*", "${local.arn.rds}:db:${var.name}-*"]
    }
    UseParameterGroupsAndOptionsOfAws = {
      actions   = ["rds:CreateDBInstance", "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"]
      resources = ["${local.arn.rds}:og:default:*", "${local.arn.rds}:pg:default.*"]
    }
    ManageCaches = {
      actions = [
        "elasticache:AddTagsToResource", "elasticache:CreateCacheParameterGroup", "elasticache:CreateCacheSubnetGroup",
        "elasticache:CreateReplicationGroup", "elasticache:CreateUser", "elasticache:CreateUserGroup",
        "elasticache:DecreaseReplicaCount", "elasticache:DeleteCacheParameterGroup",
        "elasticache:DeleteCacheSubnetGroup", "elasticache:DeleteReplicationGroup", "elasticache:DeleteUser",
        "elasticache:DeleteUserGroup", "elasticache:DescribeCacheClusters", "elasticache:DescribeCacheParameterGroups",
        "elasticache:DescribeCacheParameters", "elasticache:DescribeCacheSubnetGroups",
        "elasticache:DescribeReplicationGroups", "elasticache:DescribeUserGroups", "elasticache:DescribeUsers",
        "elasticache:IncreaseReplicaCount", "elasticache:ListTagsForResource",
        "elasticache:ModifyCacheParameterGroup", "elasticache:ModifyCacheSubnetGroup",
        "elasticache:ModifyReplicationGroup", "elasticache:ModifyUser", "elasticache:ModifyUserGroup",
        "elasticache:RemoveTagsFromResource",
      ]
      resources = [
        for kind in ["cluster", "parametergroup", "replicationgroup", "subnetgroup", "user", "usergroup"] :
        "${local.arn.elasticache}:${kind}:${var.name}-*"
      ]
    }
    ManageTables = {
      actions = [
        "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource", "dynamodb:TagResource", "dynamodb:UntagResource",
        "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive",
      ]
      resources = ["${local.arn.dynamodb}:table/${var.name}-*", "${local.arn.dynamodb}:table/telemetry-${var.name}"]
    }
    # Its record, and the database of the control plane.
    RecordsStay = {
      effect = "Deny"
      actions = [
        "dynamodb:DeleteTable", "dynamodb:UpdateTable", "rds:DeleteDBInstance", "rds:ModifyDBInstance",
      ]
      resources = ["${local.arn.dynamodb}:table/${var.name}-fairway", "${local.arn.rds}:db:${var.name}-server"]
    }
    KeepRecord = {
      actions = [
        "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
      ]
      resources = [
        "${local.arn.dynamodb}:table/${var.name}-fairway",
        "${local.arn.dynamodb}:table/${var.name}-governance-policy-sets",
        "${local.arn.dynamodb}:table/telemetry-${var.name}",
      ]
    }
  }
}

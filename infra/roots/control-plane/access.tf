# What the control plane may do: all that a deployment does, within this environment, by the policies of the module
# `deployer`. It provisions with Terraform, so it needs what its resources are made of.

locals {
  partition     = "aws"
  task_role_arn = "arn:${local.partition}:iam::${local.account}:role/${local.thing}-task-${var.region}"
}

module "iam" {
  source = "../../modules/iam"

  name   = local.thing
  region = var.region

  # What a deployment does is the same from here and from CI: the root `account` makes these policies.
  managed_policy_arns = {
    for area in ["access", "backups", "compute", "data", "edge", "events", "network", "storage", "watching"] :
    area => "arn:${local.partition}:iam::${local.account}:policy/${var.name}-deploy-${area}"
  }

  execution = {
    repository_arns = ["arn:${local.partition}:ecr:${var.region}:${local.account}:repository/${var.name}/fairway"]
    log_group_arns  = ["arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/fairway/${local.thing}:*"]
  }

  statements = [
    {
      sid       = "PasswordOfTheDatabase"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [module.database.master_secret_arn]
    },
    {
      sid       = "KeyOfThatPassword"
      actions   = ["kms:Decrypt"]
      resources = [module.key.key_arn]
    },
  ]
}

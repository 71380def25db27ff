# What the control plane may do: all that a deployment does, within this environment. It provisions with Terraform, so it
# needs what its resources are made of; roles of its own making carry its boundaries, and IAM is limited to its names.

locals {
  partition          = "aws"
  task_role_arn      = "arn:${local.partition}:iam::${local.account}:role/${local.roles.task}"
  execution_role_arn = "arn:${local.partition}:iam::${local.account}:role/${local.roles.execution}"
  roles              = { for thing in ["task", "execution"] : thing => "${local.thing}-${thing}-${var.region}" }
}

module "iam" {
  source = "../../modules/iam"

  name   = local.thing
  region = var.region
  statements = [
    {
      sid       = "KnowWhatShouldStand"
      actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
      resources = ["arn:${local.partition}:dynamodb:${var.region}:${local.account}:table/${var.name}-fairway"]
    },
    {
      sid       = "KeepState"
      actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
      resources = ["arn:${local.partition}:s3:::${var.name}-state-${local.account}-${var.region}/*"]
    },
    {
      sid       = "FindState"
      actions   = ["s3:ListBucket"]
      resources = ["arn:${local.partition}:s3:::${var.name}-state-${local.account}-${var.region}"]
    },
  ]
  execution = {
    repository_arns = ["arn:${local.partition}:ecr:${var.region}:${local.account}:repository/${var.name}/fairway"]
    log_group_arns  = ["arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/fairway/${local.thing}:*"]
    secret_arns     = [module.database.master_secret_arn]
    key_arns        = [module.key.key_arn]
  }
}

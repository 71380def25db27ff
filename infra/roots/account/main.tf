# What has to be there before anything else: Terraform's state, the table of what should stand, who may deploy from
# CI, and a watch over costs and open doors.

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id

  # Who plans and deploys, besides people: CI, the control plane, and whom the app file names.
  operators = concat(
    ["${var.name}-ci-plan", "${var.name}-ci-deploy", "${var.name}-server-task-${var.region}"],
    var.operators,
  )
}

module "key" {
  source = "../../modules/kms"

  name        = "${var.name}-state"
  description = "State of Terraform and of deployments of ${var.name}"
  account_via = ["dynamodb.${var.region}.amazonaws.com", "s3.${var.region}.amazonaws.com"]
}

module "state" {
  source = "../../modules/state"

  name                = var.name
  bucket_name         = "${var.name}-state-${local.account}-${var.region}"
  kms_key_arn         = module.key.key_arn
  access_log          = { bucket = module.log_bucket.name, prefix = "s3/state/" }
  role_arns           = [for role in local.operators : "arn:aws:iam::${local.account}:role/${role}"]
  deletion_protection = var.protect
  force_destroy       = !var.protect
}

# Who read or wrote the state, and when.
module "log_bucket" {
  source = "../../modules/bucket"

  name            = "${var.name}-state-logs-${local.account}-${var.region}"
  log_sources     = ["s3"]
  expiration_days = 400
  force_destroy   = !var.protect
}

module "access_analyzer" {
  source = "../../modules/access-analyzer"

  name = var.name
}

module "cost" {
  source = "../../modules/cost"

  name          = var.name
  monthly_limit = var.budget
  tag           = { key = "fairway", value = var.name }
  emails        = var.alarm_emails
}

# For whoever deploys, the control plane and CI; and the boundaries of every role that a deployment makes.
module "deployer" {
  source = "../../modules/deployer"

  name      = var.name
  regions   = concat([var.region], var.other_regions)
  operators = var.operators
}

module "cicd" {
  source = "../../modules/cicd"
  count  = var.repository == null ? 0 : 1

  name         = var.name
  repository   = var.repository
  environments = [var.environment]

  deploy_policy_arns = module.deployer.policy_arns
  state = {
    bucket_arn  = module.state.bucket_arn
    kms_key_arn = module.key.key_arn
    table_arns  = [module.state.table_arn]
  }
}

# Decisions for programs without policies beside them: a function that decides by the active policy set, and its audit.
# A deployment writes the set. Services outside the mesh ask it; what runs elsewhere is named in var.deciders.

module "governance" {
  source = "../../modules/governance"

  name                = var.name
  environment         = var.environment
  region              = var.region
  package             = "${var.packages}/governance.zip"
  package_hash        = filebase64sha256("${var.packages}/governance.zip")
  subnet_ids          = module.network.runtime_subnet_ids
  security_group_ids  = [aws_security_group.functions.id]
  kms_key_arn         = module.environment_key.key_arn
  log_retention_days  = var.log_retention
  deletion_protection = var.protect
  alarm_actions       = [module.observability.alarm_topic_arn]

  permissions_boundary_arn = local.boundary_arn

  invoker_role_arns = merge(
    { for name, it in var.services : name => module.iam[name].task_role_arn if !it.mesh },
    var.deciders,
  )
}

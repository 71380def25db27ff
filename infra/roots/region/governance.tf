# Decisions for programs without the library: a function that decides by the active policy set, and its audit. A
# deployment writes the set; by itself nobody may ask, so name roles in `invoker_role_arns`.

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
}

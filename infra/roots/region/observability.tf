# Dashboards, alarms and queries, from the services and objectives of the app file.

module "observability" {
  source = "../../modules/observability"

  name        = var.name
  app         = var.app
  environment = var.environment
  region      = var.region
  services = {
    for name, it in module.services : name => {
      cluster   = module.cluster.cluster_name
      log_group = it.log_group_name
      versions  = it.service_names
    } if var.services[name].kind != "job"
  }
  slos = {
    for name, slo in var.slos : name => {
      service      = slo.service
      availability = slo.availability
      p95          = slo.p95
      p99          = slo.p99
      window       = slo.window_days * 86400
    }
  }
  alarm_emails       = var.alarm_emails
  metric_namespace   = local.metrics
  kms_key_arn        = module.environment_key.key_arn
  log_retention_days = var.log_retention
  export             = { bucket_arn = module.log_archive.arn }

  permissions_boundary_arn = local.boundary_arn
}

# Logs of services, for as long as nobody deletes them by hand; they move to the class for infrequent access.
module "log_archive" {
  source = "../../modules/bucket"

  name                   = "${var.name}-log-archive-${local.account}-${var.region}"
  kms_key_arn            = module.environment_key.key_arn
  access_log             = { bucket = module.log_bucket.name, prefix = "s3/log-archive/" }
  infrequent_access_days = 30
  force_destroy          = !var.protect
}

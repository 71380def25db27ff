# What every Envoy is told, how it proves who it is, and where it reports what it did.

locals {
  sidecar_image = coalesce(var.images.sidecar, "${local.registry}/fairway-sidecar:latest")

  # The Envoy and the agent beside a service; the gateway is such a sidecar alone.
  sidecar = {
    for name in local.holders : name => {
      image = local.sidecar_image
      environment = {
        FAIRWAY_APP               = var.app
        FAIRWAY_ENVIRONMENT       = var.environment
        FAIRWAY_CONFIG_BUCKET     = module.config_bucket.name
        FAIRWAY_TELEMETRY_TABLE   = module.telemetry_table.name
        FAIRWAY_IDENTITY_FUNCTION = module.identity.alias_arns[name]
        FAIRWAY_SECRETS           = join(",", try(local.secrets_as_files[name], false) ? var.services[name].secrets : [])
        FAIRWAY_SECRETS_PREFIX    = "${var.name}/${name}/"
      }
    }
  }
}

# mesh/<service>/<version> and handouts/<service>: written by a deployment, read by the agents.
module "config_bucket" {
  source = "../../modules/bucket"

  name          = "${var.name}-config-${local.account}-${var.region}"
  kms_key_arn   = module.environment_key.key_arn
  access_log    = { bucket = module.log_bucket.name, prefix = "s3/config/" }
  force_destroy = !var.protect
}

module "telemetry_table" {
  source = "../../modules/table"

  name                = "telemetry-${var.name}"
  range_key           = { name = "sk" }
  ttl_attribute       = "ttl"
  kms_key_arn         = module.environment_key.key_arn
  deletion_protection = var.protect
}

# Signs the certificates of the mesh. A role may invoke its own alias alone: that is how the function knows who asks.
module "identity" {
  source = "../../modules/identity"

  name     = "${var.name}-identity"
  package  = "${var.packages}/identity.zip"
  services = local.holders
}

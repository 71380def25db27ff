# What every Envoy is told, how it proves who it is, and where it reports what it did.

locals {
  trust_domain = "${var.app}.${var.environment}"

  # Where CloudWatch keeps what agents measure: Requests, Errors and Latency, by App, Environment, Service and Version.
  metrics = "Fairway"

  # The Envoy and the agent beside a service; the gateway is such a sidecar alone.
  sidecar = {
    for name in local.holders : name => {
      image = coalesce(var.images.sidecar, "${local.registry}/fairway-sidecar:${var.fairway_version}")
      environment = {
        FAIRWAY_APP               = var.app
        FAIRWAY_ENVIRONMENT       = var.environment
        FAIRWAY_CONFIG_BUCKET     = module.config_bucket.name
        FAIRWAY_TELEMETRY_TABLE   = module.telemetry_table.name
        FAIRWAY_METRICS_NAMESPACE = local.metrics
        FAIRWAY_IDENTITY_FUNCTION = module.identity.alias_arns[name]
      }
    }
  }

  # Traces go to X-Ray, everything to var.otlp as well. What programs measure themselves goes to CloudWatch as records
  # of the service's log, in a namespace apart from that of the agents.
  collector_config = {
    for name in local.holders : name => yamlencode({
      receivers = {
        otlp = { protocols = { grpc = { endpoint = "127.0.0.1:4317" }, http = { endpoint = "127.0.0.1:4318" } } }
      }
      processors = {
        batch             = { timeout = "5s" }
        resourcedetection = { detectors = ["env", "ecs"], timeout = "2s" }
      }
      exporters = merge(
        {
          awsxray = { region = var.region }
          awsemf = {
            region                  = var.region
            namespace               = var.name
            log_group_name          = "/fairway/${var.name}-${name}"
            log_stream_name         = "metrics/{TaskId}"
            dimension_rollup_option = "NoDimensionRollup"
          }
        },
        var.otlp == null ? {} : { otlphttp = { endpoint = var.otlp } },
      )
      service = {
        pipelines = {
          traces = {
            receivers  = ["otlp"]
            processors = ["resourcedetection", "batch"]
            exporters  = concat(["awsxray"], var.otlp == null ? [] : ["otlphttp"])
          }
          metrics = {
            receivers  = ["otlp"]
            processors = ["resourcedetection", "batch"]
            exporters  = concat(["awsemf"], var.otlp == null ? [] : ["otlphttp"])
          }
        }
      }
    })
  }
  collector = { for name in local.holders : name => { image = var.images.collector, config = local.collector_config[name] } if var.traces }
}

# mesh/<service>/<version> and handouts/<service>/<version>: written by a deployment, read by the agents.
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

  name          = "${var.name}-identity"
  region        = var.region
  trust_domain  = local.trust_domain
  services      = local.holders
  signers       = local.operators
  package       = "${var.packages}/identity.zip"
  package_hash  = filebase64sha256("${var.packages}/identity.zip")
  authority     = { bucket = module.config_bucket.name, kms_key_arn = module.environment_key.key_arn }
  vpc           = { subnet_ids = module.network.runtime_subnet_ids, security_group_ids = [aws_security_group.functions.id] }
  kms_key_arn   = module.environment_key.key_arn
  log_retention = var.log_retention

  permissions_boundary_arn = local.boundary_arn
}

# Lambda functions call AWS, and nothing else.
resource "aws_security_group" "functions" {
  name        = "${var.name}-functions"
  description = "Functions of ${var.name}: they call AWS and are called by nobody"
  vpc_id      = module.network.vpc_id

  tags = { Name = "${var.name}-functions" }
}

resource "aws_vpc_security_group_egress_rule" "functions_endpoints" {
  security_group_id            = aws_security_group.functions.id
  description                  = "Interface endpoints of AWS"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = module.network.endpoint_security_group_id
}

resource "aws_vpc_security_group_egress_rule" "functions_gateways" {
  for_each = module.network.prefix_list_ids

  security_group_id = aws_security_group.functions.id
  description       = "Gateway endpoint of ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = each.value
}

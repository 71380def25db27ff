# Everything of one environment in one region. What is where:
#
#   main.tf           names, keys, network, cluster
#   services.tf       what runs: for every service a key, secrets, a role, tasks
#   access.tf         what every service's role may do
#   mesh.tf           what every Envoy is told, and how it proves who it is
#   edge.tf           DNS, certificates, load balancers, static sites
#   data.tf           stores and topics
#   governance.tf     decisions for programs without the library, policy sets, audit
#   observability.tf  dashboards, alarms, logs
#   backup.tf         copies of the data
#
# The name of a service is the key of every module that belongs to it: module.services["orbit"].

locals {
  tags = {
    app         = var.app
    environment = var.environment
    managed-by  = "fairway"
    fairway     = var.name
  }

  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  lead      = coalesce(var.lead_region, var.region)
  leads     = var.role == "primary"
  zones     = slice(data.aws_availability_zones.available.names, 0, var.network.zones)
  operators = [for role in var.operators : "arn:${local.partition}:iam::${local.account}:role/${role}"]

  # Firehose exports the logs; Secrets Manager has the passwords of databases, which RDS makes.
  key_users = ["dynamodb", "elasticache", "firehose", "lambda", "rds", "s3", "secretsmanager", "sns", "sqs"]

  registry = "${local.account}.dkr.ecr.${var.region}.amazonaws.com/${var.name}"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# The first of these that the account has: which ones differs between accounts, and a zone that AWS adds later changes
# no network.
data "aws_availability_zones" "available" {
  state = "available"

  filter {
    name   = "zone-name"
    values = [for letter in ["a", "b", "c", "d"] : "${var.region}${letter}"]
  }

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

# For what belongs to no service alone: logs, configuration, stores, events. A role uses it only through these.
module "environment_key" {
  source = "../../modules/kms"

  name        = "${var.name}-environment"
  description = "Logs, configuration, stores and events of ${var.name}"
  account_via = [for service in local.key_users : "${service}.${var.region}.amazonaws.com"]
  services = [
    "backup.amazonaws.com",
    "cloudwatch.amazonaws.com",
    "events.amazonaws.com",
    "logs.${var.region}.amazonaws.com",
    "sns.amazonaws.com",
  ]
}

module "network" {
  source = "../../modules/networking"

  name               = var.name
  cidr               = var.network.cidr
  zones              = local.zones
  nat                = var.network.nat
  flow_log_retention = var.log_retention
  kms_key_arn        = module.environment_key.key_arn

  permissions_boundary_arn = local.boundary_arn
}

module "network_acls" {
  source = "../../modules/network-acls"

  name                   = var.name
  vpc_id                 = module.network.vpc_id
  default_network_acl_id = module.network.default_network_acl_id
  tiers = {
    public  = { cidr = module.network.tier_cidrs.public, subnet_ids = module.network.public_subnet_ids }
    private = { cidr = module.network.tier_cidrs.private, subnet_ids = module.network.private_subnet_ids }
    runtime = { cidr = module.network.tier_cidrs.runtime, subnet_ids = module.network.runtime_subnet_ids }
  }
  service_ports = distinct([for it in values(var.services) : it.port if !it.mesh])
  store_ports   = distinct([for store in values(local.addressed_stores) : store.port])
}

# A flow is a sentence of the app file: orbit calls axon, orbit uses store orders. What renews orbit's passwords uses the
# databases that orbit uses.
module "security_groups" {
  source = "../../modules/security-groups"

  name   = var.name
  vpc_id = module.network.vpc_id
  services = merge(
    {
      for name, it in var.services : name => {
        port   = it.port
        calls  = it.calls
        public = it.public
        stores = [for store in it.stores : store if contains(keys(local.addressed_stores), store)]
        mesh   = it.mesh
      }
    },
    # No service has an underscore in its name.
    {
      for name, it in local.rotators : "${name}_rotation" => {
        port   = 443 # nobody calls it
        calls  = []
        public = false
        stores = it.stores
        mesh   = true
      } if length(it.stores) > 0
    },
  )
  stores                     = local.addressed_stores
  internet_egress            = var.network.nat != "none"
  endpoint_security_group_id = module.network.endpoint_security_group_id
  prefix_list_ids            = module.network.prefix_list_ids
}

module "discovery" {
  source = "../../modules/service-discovery"

  name   = var.name
  vpc_id = module.network.vpc_id
}

module "cluster" {
  source = "../../modules/ecs-cluster"

  name          = var.name
  kms_key_arn   = module.environment_key.key_arn
  log_retention = var.log_retention
  spot_percent  = var.spot_percent
}

# Logs of load balancers and of requests to buckets. It has no key of its own: load balancers cannot use one.
module "log_bucket" {
  source = "../../modules/bucket"

  name            = "${var.name}-logs-${local.account}-${var.region}"
  log_sources     = ["load-balancer", "s3"]
  expiration_days = var.log_retention
  force_destroy   = !var.protect
}

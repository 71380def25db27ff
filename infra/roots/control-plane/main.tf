# The control plane of an environment: `fairway server` on Fargate, with its PostgreSQL. Private: whoever deploys comes
# through the load balancer, from inside the network, with a token.

locals {
  account  = data.aws_caller_identity.current.account_id
  registry = "${local.account}.dkr.ecr.${var.region}.amazonaws.com/${var.name}"
  port     = 8700
  zones    = slice(data.aws_availability_zones.available.names, 0, 2)
  thing    = "${var.name}-server"

  # fairway.shop.example.com belongs to the zone of example.com, as shop.example.com does.
  hosted_zone = coalesce(var.hosted_zone, join(".", slice(split(".", var.domain), 2, length(split(".", var.domain)))))
}

data "aws_caller_identity" "current" {}

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

module "key" {
  source = "../../modules/kms"

  name        = local.thing
  description = "Database and logs of the control plane of ${var.name}"
  users       = [local.task_role_arn]
  account_via = [for service in ["dynamodb", "rds", "s3", "secretsmanager"] : "${service}.${var.region}.amazonaws.com"]
  services    = ["logs.${var.region}.amazonaws.com"]
}

module "network" {
  source = "../../modules/networking"

  name        = local.thing
  cidr        = var.cidr
  zones       = local.zones
  nat         = "single"
  kms_key_arn = module.key.key_arn
}

module "security_groups" {
  source = "../../modules/security-groups"

  name   = local.thing
  vpc_id = module.network.vpc_id
  services = {
    server = { port = local.port, mesh = false, calls = ["server"], stores = ["database"] }
  }
  stores                     = { database = { port = 5432 } }
  endpoint_security_group_id = module.network.endpoint_security_group_id
  prefix_list_ids            = module.network.prefix_list_ids
}

# The server is called from inside its network: a bastion, a VPN, a runner of CI.
resource "aws_vpc_security_group_ingress_rule" "callers" {
  security_group_id = module.security_groups.internal_lb_id
  description       = "Callers inside the network"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = var.cidr
}

module "log_bucket" {
  source = "../../modules/bucket"

  name            = "${local.thing}-logs-${local.account}-${var.region}"
  log_sources     = ["load-balancer", "s3"]
  expiration_days = 400
  force_destroy   = !var.protect
}

module "database" {
  source = "../../modules/database"

  name                = local.thing
  region              = var.region
  database            = "fairway"
  instance_class      = var.instance_class
  subnet_ids          = module.network.private_subnet_ids
  security_group_ids  = [module.security_groups.store_ids["database"]]
  kms_key_arn         = module.key.key_arn
  deletion_protection = var.protect
  skip_final_snapshot = !var.protect
}

# The server issues the first admin's token when it starts. It may write the secret and not read it; whoever may read
# secrets in this account can fetch the token, and should revoke it once there are tokens for people.
module "first_token" {
  source = "../../modules/secrets"

  name             = local.thing
  region           = var.region
  secrets          = { first-token = { description = "Token of the first admin of ${var.name}" } }
  kms_key_arn      = module.key.key_arn
  reader_role_arns = ["arn:${local.partition}:iam::${local.account}:*"]
  writer_role_arns = [local.task_role_arn]
  recovery_days    = var.protect ? 30 : 0
}

# --- The way in ---------------------------------------------------------------------------------------------------

module "certificate" {
  source = "../../modules/dns-certificates"

  domain      = var.domain
  hosted_zone = local.hosted_zone
  target = {
    dns_name = module.load_balancer.dns_name
    zone_id  = module.load_balancer.zone_id
  }
}

module "target_group" {
  source = "../../modules/target-groups"

  slots  = { a = substr("${local.thing}-a", 0, 32) }
  vpc_id = module.network.vpc_id
  port   = local.port
  health = { path = "/health" }
}

module "load_balancer" {
  source = "../../modules/load-balancer"

  name                = substr(local.thing, 0, 32)
  internal            = true
  subnet_ids          = module.network.private_subnet_ids
  security_group_id   = module.security_groups.internal_lb_id
  certificate_arn     = module.certificate.certificate_arn
  access_log_bucket   = module.log_bucket.name
  waf_enabled         = false
  deletion_protection = var.protect

  # Followers of a deployment wait for its next event.
  idle_timeout = 300
  rules = {
    server = {
      priority = 1
      paths    = ["/*"]
      targets  = [{ arn = module.target_group.arns["a"], weight = 100 }]
    }
  }
}

# --- The server ---------------------------------------------------------------------------------------------------

module "cluster" {
  source = "../../modules/ecs-cluster"

  name        = local.thing
  kms_key_arn = module.key.key_arn
}

module "server" {
  source = "../../modules/ecs-service"

  name      = "server"
  full_name = local.thing

  cluster_arn        = module.cluster.cluster_arn
  cluster_name       = module.cluster.cluster_name
  region             = var.region
  subnet_ids         = module.network.runtime_subnet_ids
  security_group_ids = [module.security_groups.ids["server"]]
  execution_role_arn = module.iam.execution_role_arn
  task_role_arn      = module.iam.task_role_arn

  versions = {
    "" = {
      image    = coalesce(var.image, "${local.registry}/fairway:${var.fairway_version}")
      replicas = var.replicas
      command  = ["fairway", "server", "--listen", "0.0.0.0:${local.port}", "--behind-proxy", "--host", var.domain]
      environment = {
        FAIRWAY_DATABASE = "postgresql://${module.database.master_username}@${module.database.endpoint}:${module.database.port}/fairway?sslmode=require"
        FAIRWAY_DATA     = "/tmp/fairway"
        HOME             = "/tmp"
        XDG_CACHE_HOME   = "/tmp/cache"
        AWS_REGION       = var.region

        # RDS renews the password every seven days: the server reads it whenever it has changed.
        FAIRWAY_DATABASE_SECRET    = module.database.master_secret_arn
        FAIRWAY_FIRST_TOKEN_SECRET = module.first_token.arns["first-token"]
      }
    }
  }

  port      = local.port
  cpu       = 1024
  memory    = 2048
  tmp_mib   = 512
  health    = { path = "/health", command = ["CMD", "python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:${local.port}/health')"] }
  discovery = null

  load_balancer      = { groups = module.target_group.groups }
  listener_rule_arns = values(module.load_balancer.rule_arns)
  kms_key_arn        = module.key.key_arn
}

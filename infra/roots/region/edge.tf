# The way in: a name, a certificate, the public load balancer and the gateway's Envoys behind it, which know every
# public route. Static sites come from CloudFront. Services outside the mesh get rules at load balancers instead.

locals {
  has_gateway  = var.gateway != null
  has_public   = var.public_load_balancer != null
  has_internal = var.internal_load_balancer != null

  # The zone of shop.example.com is that of its parent, example.com, unless it is given.
  hosted_zone = var.domain == null ? null : coalesce(var.hosted_zone, join(".", slice(split(".", var.domain), 1, length(split(".", var.domain)))))
  fails_over  = local.has_public && (var.role == "secondary" || (var.role == "primary" && var.second_region != null))

  # Where the gateway takes requests, and where it says whether it is ready: src/fairway/targets/aws/mesh/ports.py.
  gateway_port        = 8443
  gateway_health_port = 15021

  # Services outside the mesh have a name here, inside the network only.
  internal_domain = var.domain == null ? "" : "internal.${var.domain}"

  # First weights: a deployment shifts them by the API of the load balancer, and Terraform leaves them alone.
  targets = {
    for name, rule in var.rules : name => [
      for slot, weight in rule.weights : { arn = module.target_groups[name].arns[slot], weight = weight }
    ]
  }

  # The longer a path, the sooner its rule is asked; the gateway takes what is left.
  public_routes = merge([
    for name, rule in var.rules : {
      for route in rule.public : format("%04d %s %s", 1000 - length(route.path), coalesce(route.host, "*"), route.path) => {
        service = name
        hosts   = route.host[*]
        paths   = route.path == "/" ? ["/*"] : [route.path, "${trimsuffix(route.path, "/")}/*"]
      }
    }
  ]...)

  public_rules = merge(
    {
      for index, key in sort(keys(local.public_routes)) : "${local.public_routes[key].service}/${index}" => {
        priority = index + 1
        hosts    = local.public_routes[key].hosts
        paths    = local.public_routes[key].paths
        targets  = local.targets[local.public_routes[key].service]
      }
    },
    local.has_gateway ? {
      gateway = {
        priority = 1000
        hosts    = []
        paths    = ["/*"]
        targets  = [{ arn = module.gateway_target_group[0].arns["a"], weight = 100 }]
      }
    } : {},
  )

  # The rules that every service waits for: ECS refuses a target group that no load balancer knows.
  rule_arns = {
    for name in keys(var.services) : name => concat(
      [for rule, arn in try(module.public_load_balancer[0].rule_arns, {}) : arn if split("/", rule)[0] == name],
      [for rule, arn in try(module.internal_load_balancer[0].rule_arns, {}) : arn if rule == name],
    )
  }
}

# The name of the region that leads goes to it as long as it is healthy, then to the second region.
module "dns" {
  source = "../../modules/dns-certificates"
  count  = var.domain == null ? 0 : 1

  domain            = var.domain
  alternative_names = ["*.${var.domain}", "*.${local.internal_domain}"]
  hosted_zone       = local.hosted_zone
  target = !local.has_public || var.role == "spare" ? null : {
    dns_name = module.public_load_balancer[0].dns_name
    zone_id  = module.public_load_balancer[0].zone_id
  }
  failover_role  = local.fails_over ? upper(var.role) : null
  set_identifier = local.fails_over ? var.region : null
  health_check   = { path = var.health_path }
}

module "public_load_balancer" {
  source = "../../modules/load-balancer"
  count  = local.has_public ? 1 : 0

  name                = var.public_load_balancer
  subnet_ids          = module.network.public_subnet_ids
  security_group_id   = module.security_groups.public_lb_id
  certificate_arn     = module.dns[0].certificate_arn
  access_log_bucket   = module.log_bucket.name
  rules               = local.public_rules
  waf_enabled         = var.waf
  waf_log_retention   = var.log_retention
  kms_key_arn         = module.environment_key.key_arn
  deletion_protection = var.protect
}

module "gateway_target_group" {
  source = "../../modules/target-groups"
  count  = local.has_gateway ? 1 : 0

  slots    = { a = var.gateway.target_group }
  vpc_id   = module.network.vpc_id
  port     = local.gateway_port
  protocol = "HTTPS"
  health   = { path = "/ready", port = tostring(local.gateway_health_port), protocol = "HTTP", interval = 5, timeout = 2 }
}

# Services outside the mesh.
module "target_groups" {
  source   = "../../modules/target-groups"
  for_each = { for name, it in var.services : name => it if length(it.target_groups) > 0 }

  slots            = each.value.target_groups
  vpc_id           = module.network.vpc_id
  port             = each.value.port
  protocol_version = each.value.protocol
  health = {
    path      = each.value.health.path
    interval  = each.value.health.interval
    timeout   = each.value.health.timeout
    healthy   = each.value.health.healthy
    unhealthy = each.value.health.unhealthy
  }
}

# Envoys that open the public routes: sidecars without an app.
module "gateway" {
  source = "../../modules/ecs-service"
  count  = local.has_gateway ? 1 : 0

  name      = "gateway"
  full_name = "${var.name}-gateway"

  cluster_arn        = module.cluster.cluster_arn
  cluster_name       = module.cluster.cluster_name
  region             = var.region
  subnet_ids         = module.network.runtime_subnet_ids
  security_group_ids = [module.security_groups.ids["gateway"]]
  execution_role_arn = module.iam["gateway"].execution_role_arn
  task_role_arn      = module.iam["gateway"].task_role_arn

  versions  = { "" = { replicas = var.gateway.replicas } }
  port      = 8443
  cpu       = var.gateway.cpu
  memory    = var.gateway.memory
  sidecar   = local.sidecar["gateway"]
  collector = try(local.collector["gateway"], null)
  scaling   = { min = var.gateway.replicas, max = var.gateway.max_replicas, cpu = 60 }

  # Its Envoys are ready when a deployment has told them the routes, which it does when every region stands. ECS must not
  # have given up by then: it would start no task any more.
  circuit_breaker = false
  health          = { start = 300 }

  load_balancer      = { groups = module.gateway_target_group[0].groups, health_port = local.gateway_health_port }
  listener_rule_arns = [module.public_load_balancer[0].rule_arns["gateway"]]

  log_retention = var.log_retention
  kms_key_arn   = module.environment_key.key_arn
}

module "internal_load_balancer" {
  source = "../../modules/load-balancer"
  count  = local.has_internal ? 1 : 0

  name              = var.internal_load_balancer
  internal          = true
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.security_groups.internal_lb_id
  certificate_arn   = module.dns[0].certificate_arn
  access_log_bucket = module.log_bucket.name
  waf_enabled       = false
  rules = {
    for index, name in sort(keys(var.rules)) : name => {
      priority = index + 1
      hosts    = ["${name}.${local.internal_domain}"]
      targets  = local.targets[name]
    }
  }
  deletion_protection = var.protect
}

resource "aws_route53_zone" "internal" {
  # checkov:skip=CKV2_AWS_38:DNSSEC is for public zones; this one is answered inside the VPC only.
  # checkov:skip=CKV2_AWS_39:As above: query logs of private zones belong to the resolver, not to the zone.
  count = local.has_internal ? 1 : 0

  name    = local.internal_domain
  comment = "Services of ${var.name} outside the mesh"

  vpc {
    vpc_id = module.network.vpc_id
  }
}

resource "aws_route53_record" "internal" {
  count = local.has_internal ? 1 : 0

  zone_id = aws_route53_zone.internal[0].zone_id
  name    = "*.${local.internal_domain}"
  type    = "A"

  alias {
    name                   = module.internal_load_balancer[0].dns_name
    zone_id                = module.internal_load_balancer[0].zone_id
    evaluate_target_health = false
  }
}

# --- Static sites: once for all regions, in us-east-1, where CloudFront takes everything from ------------------------

module "site_certificate" {
  source    = "../../modules/dns-certificates"
  count     = length(var.sites) > 0 ? 1 : 0
  providers = { aws = aws.us_east_1 }

  domain            = "sites.${var.domain}"
  alternative_names = distinct(flatten(values(var.sites)[*].hosts))
  hosted_zone       = local.hosted_zone
}

module "site_key" {
  source    = "../../modules/kms"
  count     = length(var.sites) > 0 ? 1 : 0
  providers = { aws = aws.us_east_1 }

  name        = "${var.name}-sites"
  description = "Static sites of ${var.name}"
  account_via = ["s3.us-east-1.amazonaws.com"]
  services    = ["cloudfront.amazonaws.com", "logs.us-east-1.amazonaws.com"]
}

module "site_logs" {
  source    = "../../modules/bucket"
  count     = length(var.sites) > 0 ? 1 : 0
  providers = { aws = aws.us_east_1 }

  name            = "${var.name}-site-logs-${local.account}"
  log_sources     = ["flow-logs", "s3"]
  expiration_days = var.log_retention
  force_destroy   = !var.protect
}

module "sites" {
  source    = "../../modules/cdn"
  count     = length(var.sites) > 0 ? 1 : 0
  providers = { aws = aws.us_east_1 }

  name = var.name
  services = {
    for name, site in var.sites : name => {
      bucket          = "${var.name}-${name}-${local.account}"
      hosts           = site.hosts
      certificate_arn = module.site_certificate[0].certificate_arn
      folder          = site.folder
    }
  }
  kms_key_arn       = module.site_key[0].key_arn
  access_log_bucket = module.site_logs[0].name
  waf_log_retention = var.log_retention
  force_destroy     = !var.protect
}

resource "aws_route53_record" "site" {
  for_each = merge([for name, site in var.sites : { for host in site.hosts : host => name }]...)

  zone_id = module.site_certificate[0].zone_id
  name    = each.key
  type    = "A"

  alias {
    name                   = module.sites[0].domain_names[each.value]
    zone_id                = module.sites[0].hosted_zone_ids[each.value]
    evaluate_target_health = false
  }
}

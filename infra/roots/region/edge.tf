# The way in: a name, a certificate, the public load balancer and the gateway's Envoys behind it, which know every
# public route. Static sites come from CloudFront. Services outside the mesh get rules at load balancers instead.

locals {
  has_gateway  = var.gateway != null
  has_public   = var.public_load_balancer != null
  has_internal = var.internal_load_balancer != null

  # Services outside the mesh have a name here, inside the network only.
  internal_domain = var.domain == null ? "" : "internal.${var.domain}"

  # First weights: a deployment shifts them by the API of the load balancer, and Terraform leaves them alone.
  targets = {
    for name, rule in var.rules : name => [
      for slot, weight in rule.weights : { arn = module.services[name].target_group_arns[slot], weight = weight }
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
        targets  = [{ arn = module.gateway[0].target_group_arns["a"], weight = 100 }]
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

module "dns" {
  source = "../../modules/dns-certificates"
  count  = var.domain == null ? 0 : 1

  domain      = var.domain
  hosted_zone = var.hosted_zone
}

module "public_load_balancer" {
  source = "../../modules/load-balancer"
  count  = local.has_public ? 1 : 0

  name                = var.public_load_balancer
  vpc_id              = module.network.vpc_id
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

  versions = { "" = { replicas = var.gateway.replicas } }
  port     = 8443
  cpu      = var.gateway.cpu
  memory   = var.gateway.memory
  sidecar  = local.sidecar["gateway"]
  scaling  = { min = var.gateway.replicas, max = var.gateway.max_replicas, cpu = 60 }

  load_balancer = {
    vpc_id          = module.network.vpc_id
    slots           = { a = var.gateway.target_group }
    protocol        = "HTTPS"
    health_path     = "/ready"
    health_port     = "15021"
    health_protocol = "HTTP"
  }
  listener_rule_arns = [module.public_load_balancer[0].rule_arns["gateway"]]

  log_retention = var.log_retention
  kms_key_arn   = module.environment_key.key_arn
}

module "internal_load_balancer" {
  source = "../../modules/load-balancer"
  count  = local.has_internal ? 1 : 0

  name              = var.internal_load_balancer
  internal          = true
  vpc_id            = module.network.vpc_id
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

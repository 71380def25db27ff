# The way in: DNS, certificates, the public load balancer before the gateway, static sites. Services outside the mesh
# get rules of their own, public ones here and others at the internal load balancer.

locals {
  has_domain = var.domain != null
  has_public = var.gateway != null || anytrue([for rule in values(var.rules) : length(rule.public) > 0])

  # Names of services outside the mesh, inside the network only.
  internal_domain = "internal.${coalesce(var.domain, "${var.name}.local")}"

  # The weights of a rule are set when it is made; a deployment shifts them by the API of the load balancer.
  targets = {
    for name, rule in var.rules : name => [
      for slot, weight in rule.weights : { arn = module.services[name].target_group_arns[slot], weight = weight }
    ]
  }
}

module "certificate" {
  source = "../../modules/dns-certificates"
  count  = local.has_domain ? 1 : 0

  domain      = var.domain
  hosted_zone = var.hosted_zone
}

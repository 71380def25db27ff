# A certificate whose names are proven by records in the hosted zone, and the records that lead the
# domain to a target. With failover, the regions share the domain: Route 53 asks each of them at its own
# name, since the shared one leads to whichever region is chosen.

locals {
  has_target   = var.target != null
  has_failover = var.failover_role != null

  regional_domain = local.has_failover ? "${var.set_identifier}.${var.domain}" : null

  alternative_names = concat(local.regional_domain[*], var.alternative_names)

  # A wildcard is proven by the record of the name below it.
  proven_names = toset([for name in concat([var.domain], local.alternative_names) : trimprefix(name, "*.")])
  proofs = {
    for option in aws_acm_certificate.this.domain_validation_options :
    trimprefix(option.domain_name, "*.") => option...
  }
}

data "aws_route53_zone" "this" {
  name         = var.hosted_zone
  private_zone = false
}

# Certificate

resource "aws_acm_certificate" "this" {
  domain_name               = var.domain
  subject_alternative_names = local.alternative_names
  validation_method         = "DNS"

  options {
    certificate_transparency_logging_preference = "ENABLED"
  }

  tags = merge(var.tags, { Name = var.domain })

  lifecycle {
    # Listeners use the old one until the new one is valid.
    create_before_destroy = true
  }
}

resource "aws_route53_record" "proof" {
  for_each = local.proven_names

  zone_id = data.aws_route53_zone.this.zone_id
  name    = local.proofs[each.key][0].resource_record_name
  type    = local.proofs[each.key][0].resource_record_type
  records = [local.proofs[each.key][0].resource_record_value]
  ttl     = 60

  # The record depends on the account and the name only: the roots of two regions write the same one.
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = values(aws_route53_record.proof)[*].fqdn
}

# Records

resource "aws_route53_record" "domain" {
  count = local.has_target ? 1 : 0

  zone_id = data.aws_route53_zone.this.zone_id
  name    = var.domain
  type    = "A"

  set_identifier  = local.has_failover ? var.set_identifier : null
  health_check_id = one(aws_route53_health_check.region[*].id)

  alias {
    name                   = var.target.dns_name
    zone_id                = var.target.zone_id
    evaluate_target_health = local.has_failover
  }

  dynamic "failover_routing_policy" {
    for_each = var.failover_role[*]

    content {
      type = failover_routing_policy.value
    }
  }
}

resource "aws_route53_record" "region" {
  count = local.has_failover ? 1 : 0

  zone_id = data.aws_route53_zone.this.zone_id
  name    = local.regional_domain
  type    = "A"

  alias {
    name                   = var.target.dns_name
    zone_id                = var.target.zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_health_check" "region" {
  count = local.has_failover ? 1 : 0

  type              = "HTTPS"
  fqdn              = local.regional_domain
  port              = 443
  resource_path     = var.health_check.path
  enable_sni        = true
  request_interval  = var.health_check.interval
  failure_threshold = var.health_check.failures
  measure_latency   = true

  tags = merge(var.tags, { Name = local.regional_domain })
}

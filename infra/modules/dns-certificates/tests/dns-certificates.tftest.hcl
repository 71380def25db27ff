mock_provider "aws" {
  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
      domain_validation_options = [
        { domain_name = "shop.example.com", resource_record_name = "_a.shop.example.com", resource_record_type = "CNAME", resource_record_value = "_a.acm-validations.aws" },
        { domain_name = "eu-central-1.shop.example.com", resource_record_name = "_b.shop.example.com", resource_record_type = "CNAME", resource_record_value = "_b.acm-validations.aws" },
        { domain_name = "*.shop.example.com", resource_record_name = "_a.shop.example.com", resource_record_type = "CNAME", resource_record_value = "_a.acm-validations.aws" },
      ]
    }
  }
}

variables {
  domain      = "shop.example.com"
  hosted_zone = "example.com"
  target      = { dns_name = "shop.eu-central-1.elb.amazonaws.com", zone_id = "Z215JYRZR1TBD5" }
}

run "one_region" {
  command = apply

  variables {
    alternative_names = ["*.shop.example.com"]
  }

  assert {
    condition     = aws_acm_certificate.this.validation_method == "DNS" && keys(aws_route53_record.proof) == ["shop.example.com"]
    error_message = "One record proves the domain and the names below it."
  }
  assert {
    condition     = aws_route53_record.proof["shop.example.com"].records == toset(["_a.acm-validations.aws"])
    error_message = "The record says what ACM wants to read."
  }
  assert {
    condition     = aws_route53_record.domain[0].alias[0].name == "shop.eu-central-1.elb.amazonaws.com" && length(aws_route53_record.domain[0].failover_routing_policy) == 0
    error_message = "The domain leads to the target."
  }
  assert {
    condition     = length(aws_route53_health_check.region) == 0 && output.regional_fqdn == null
    error_message = "One region has nothing to fail over to."
  }
}

run "the_first_of_two_regions" {
  command = apply

  variables {
    failover_role  = "PRIMARY"
    set_identifier = "eu-central-1"
    health_check   = { path = "/ready" }
  }

  assert {
    condition     = aws_route53_record.domain[0].failover_routing_policy[0].type == "PRIMARY" && aws_route53_record.domain[0].set_identifier == "eu-central-1"
    error_message = "The region is the primary one."
  }
  assert {
    condition     = aws_route53_record.domain[0].health_check_id == aws_route53_health_check.region[0].id && aws_route53_record.domain[0].alias[0].evaluate_target_health
    error_message = "The region is left when it is unhealthy."
  }
  assert {
    condition     = aws_route53_health_check.region[0].fqdn == "eu-central-1.shop.example.com" && aws_route53_health_check.region[0].type == "HTTPS" && aws_route53_health_check.region[0].resource_path == "/ready"
    error_message = "Its health is checked at its own name, over HTTPS."
  }
  assert {
    condition     = contains(aws_acm_certificate.this.subject_alternative_names, "eu-central-1.shop.example.com") && length(aws_route53_record.proof) == 2
    error_message = "The certificate holds the region's own name."
  }
}

run "a_certificate_only" {
  command = plan

  variables {
    target = null
  }

  assert {
    condition     = length(aws_route53_record.domain) == 0 && length(aws_route53_record.region) == 0
    error_message = "Without a target there are no addresses."
  }
}

run "failover_without_an_identifier" {
  command = plan

  variables {
    failover_role = "PRIMARY"
  }

  expect_failures = [var.failover_role]
}

run "an_unknown_role" {
  command = plan

  variables {
    failover_role  = "THIRD"
    set_identifier = "eu-central-1"
  }

  expect_failures = [var.failover_role]
}

run "a_domain_with_a_scheme" {
  command = plan

  variables {
    domain = "https://shop.example.com"
  }

  expect_failures = [var.domain]
}

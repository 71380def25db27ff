mock_provider "aws" {
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/1234567890123456" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/shop/1234567890123456/1" }
  }
  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/1" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:aws-waf-logs-shop-prod" }
  }
}

variables {
  name              = "shop-prod-public"
  subnet_ids        = ["subnet-1", "subnet-2", "subnet-3"]
  security_group_id = "sg-1"
  certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
  access_log_bucket = "shop-prod-logs"
  kms_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"

  rules = {
    orbit = {
      priority = 10
      hosts    = ["shop.example.com"]
      paths    = ["/orbit/*"]
      targets = [
        { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/a/1234567890123456", weight = 95 },
        { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/b/1234567890123456", weight = 5 },
      ]
    }
    site = {
      priority = 20
      paths    = ["/*"]
      targets = [
        { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/c/1234567890123456", weight = 1 },
      ]
    }
  }
}

run "a_public_load_balancer" {
  command = apply

  assert {
    condition     = aws_lb_listener.https.port == 443 && aws_lb_listener.https.protocol == "HTTPS" && strcontains(aws_lb_listener.https.ssl_policy, "TLS13")
    error_message = "It speaks TLS, up to 1.3, at port 443."
  }
  assert {
    condition     = aws_lb_listener.https.default_action[0].fixed_response[0].status_code == "404"
    error_message = "What no rule matches is not found."
  }
  assert {
    condition     = aws_lb_listener.redirect.default_action[0].redirect[0].protocol == "HTTPS" && aws_lb_listener.redirect.default_action[0].type == "redirect"
    error_message = "HTTP is redirected to HTTPS and served nothing."
  }
  assert {
    condition     = sum([for group in aws_lb_listener_rule.this["orbit"].action[0].forward[0].target_group : group.weight]) == 100
    error_message = "The requests to orbit are divided by the weights."
  }
  assert {
    condition     = aws_lb_listener_rule.this["orbit"].action[0].forward[0].stickiness[0].enabled == false
    error_message = "Requests do not stick to a target group."
  }
  assert {
    condition     = length(aws_lb_listener_rule.this["orbit"].condition) == 2 && length(aws_lb_listener_rule.this["site"].condition) == 1
    error_message = "A rule has a condition for hosts, for paths, or for both."
  }
  assert {
    condition     = aws_lb.this.access_logs[0].enabled && aws_lb.this.connection_logs[0].enabled && aws_lb.this.drop_invalid_header_fields
    error_message = "Requests and connections are logged, and invalid headers are dropped."
  }
  assert {
    condition     = toset(keys(output.rule_arns)) == toset(["orbit", "site"])
    error_message = "Rules are known by name."
  }
  assert {
    condition     = length([for rule in aws_wafv2_web_acl.this[0].rule : rule if rule.name == "AWSManagedRulesKnownBadInputsRuleSet"]) == 1 && length(aws_wafv2_web_acl.this[0].rule) == 6
    error_message = "The firewall asks AWS's managed rule groups and limits each address."
  }
  assert {
    condition     = aws_wafv2_web_acl_association.this[0].resource_arn == aws_lb.this.arn && length(aws_wafv2_web_acl_logging_configuration.this) == 1
    error_message = "The firewall stands before the load balancer and logs."
  }
}

run "weights_belong_to_deployments" {
  command = plan

  variables {
    rules = {
      orbit = {
        priority = 10
        hosts    = ["shop.example.com"]
        paths    = ["/orbit/*"]
        targets = [
          { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/a/1234567890123456", weight = 0 },
          { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/b/1234567890123456", weight = 100 },
        ]
      }
    }
  }

  assert {
    condition     = toset([for group in aws_lb_listener_rule.this["orbit"].action[0].forward[0].target_group : group.weight]) == toset([95, 5])
    error_message = "Terraform does not touch the weights of a rule that is there."
  }
}

run "an_internal_one_without_a_firewall" {
  command = plan

  variables {
    internal    = true
    waf_enabled = false
    kms_key_arn = null
    rules       = {}
  }

  assert {
    condition     = aws_lb.this.internal && length(aws_wafv2_web_acl.this) == 0 && output.web_acl_arn == null
    error_message = "An internal load balancer needs no firewall."
  }
}

run "six_target_groups_are_too_many" {
  command = plan

  variables {
    rules = {
      orbit = { priority = 1, paths = ["/*"], targets = [for slot in ["a", "b", "c", "d", "e", "f"] : { arn = slot, weight = 1 }] }
    }
  }

  expect_failures = [var.rules]
}

run "a_rule_that_matches_nothing_in_particular" {
  command = plan

  variables {
    rules = {
      orbit = { priority = 1, targets = [{ arn = "a", weight = 1 }] }
    }
  }

  expect_failures = [var.rules]
}

run "two_rules_of_the_same_priority" {
  command = plan

  variables {
    rules = {
      orbit = { priority = 1, paths = ["/a"], targets = [{ arn = "a", weight = 1 }] }
      axon  = { priority = 1, paths = ["/b"], targets = [{ arn = "b", weight = 1 }] }
    }
  }

  expect_failures = [var.rules]
}

run "an_old_tls_policy" {
  command = plan

  variables {
    ssl_policy = "ELBSecurityPolicy-2016-08"
  }

  expect_failures = [var.ssl_policy]
}

run "a_firewall_without_a_key" {
  command = plan

  variables {
    kms_key_arn = null
  }

  expect_failures = [var.kms_key_arn]
}

mock_provider "aws" {}

variables {
  name   = "shop-prod"
  vpc_id = "vpc-1"
}

run "a_private_namespace" {
  command = apply

  assert {
    condition     = aws_service_discovery_private_dns_namespace.this.vpc == "vpc-1" && output.namespace_name == "svc.local"
    error_message = "The namespace is svc.local, in the VPC."
  }
  assert {
    condition     = output.ttl == 10 && output.namespace_id == aws_service_discovery_private_dns_namespace.this.id
    error_message = "Services get the namespace and its TTL."
  }
}

run "five_seconds" {
  command = plan

  variables {
    ttl       = 5
    namespace = "shop.internal"
  }

  assert {
    condition     = output.ttl == 5 && output.namespace_name == "shop.internal"
    error_message = "TTL and namespace can be chosen."
  }
}

run "four_seconds_are_too_short" {
  command = plan

  variables {
    ttl = 4
  }

  expect_failures = [var.ttl]
}

run "a_minute_is_too_long" {
  command = plan

  variables {
    ttl = 60
  }

  expect_failures = [var.ttl]
}

run "a_namespace_has_two_labels" {
  command = plan

  variables {
    namespace = "local"
  }

  expect_failures = [var.namespace]
}

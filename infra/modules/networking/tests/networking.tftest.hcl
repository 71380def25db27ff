mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:flow-logs" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/flow-logs" }
  }
}

variables {
  name        = "shop-prod"
  cidr        = "10.0.0.0/16"
  zones       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "three_zones_with_a_way_out_in_each" {
  command = apply

  assert {
    condition     = [for subnet in aws_subnet.public : subnet.cidr_block] == ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]
    error_message = "Public subnets are the first three /24."
  }
  assert {
    condition     = [for subnet in aws_subnet.private : subnet.cidr_block] == ["10.0.32.0/22", "10.0.36.0/22", "10.0.40.0/22"]
    error_message = "Private subnets are three /22 from 10.0.32.0."
  }
  assert {
    condition     = [for subnet in aws_subnet.runtime : subnet.cidr_block] == ["10.0.64.0/20", "10.0.80.0/20", "10.0.96.0/20"]
    error_message = "Runtime subnets are three /20 from 10.0.64.0."
  }
  assert {
    condition     = output.tier_cidrs == { public = "10.0.0.0/19", private = "10.0.32.0/20", runtime = "10.0.64.0/18" }
    error_message = "Every tier lies in one block."
  }
  assert {
    condition = alltrue([
      for zone, route in aws_route.runtime_internet :
      route.nat_gateway_id == aws_nat_gateway.this[zone].id
    ]) && length(aws_route.runtime_internet) == 3
    error_message = "Every zone leaves through its own NAT gateway."
  }
  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager", "ssm", "sts"])
    error_message = "With NAT only what every task calls has an interface endpoint."
  }
  assert {
    condition     = aws_vpc_endpoint.gateway["s3"].service_name == "com.amazonaws.eu-central-1.s3"
    error_message = "S3 is reached through a gateway endpoint."
  }
  assert {
    condition     = length(aws_vpc_endpoint.gateway["dynamodb"].route_table_ids) == 4
    error_message = "The private table and the three runtime tables lead to gateway endpoints."
  }
  assert {
    condition     = length(output.runtime_subnet_ids) == 3 && length(output.nat_public_ips) == 3
    error_message = "Outputs list every zone."
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.map_public_ip_on_launch == false])
    error_message = "Nothing gets a public address by being started in a public subnet."
  }
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow_logs.retention_in_days == 400
    error_message = "All traffic is logged and kept for 400 days."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == "10.0.64.0/18"
    error_message = "Only the runtime tier calls AWS."
  }
}

run "a_single_way_out" {
  command = apply

  variables {
    nat = "single"
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"]
    error_message = "The only NAT gateway is in the first zone."
  }
  assert {
    condition = alltrue([
      for route in aws_route.runtime_internet :
      route.nat_gateway_id == aws_nat_gateway.this["eu-central-1a"].id
    ]) && length(aws_route.runtime_internet) == 3
    error_message = "All zones leave through the first zone's NAT gateway."
  }
}

run "no_way_out" {
  command = plan

  variables {
    nat = "none"
  }

  assert {
    condition     = length(aws_nat_gateway.this) + length(aws_eip.nat) + length(aws_route.runtime_internet) == 0
    error_message = "Without NAT nothing leads from the runtime subnets to the internet."
  }
  assert {
    condition     = length(setsubtract(["lambda", "monitoring", "sns", "sqs", "events", "xray", "ssmmessages"], keys(aws_vpc_endpoint.interface))) == 0
    error_message = "Without NAT all services that tasks call have endpoints."
  }
}

run "the_smallest_network" {
  command = plan

  variables {
    cidr  = "10.1.4.0/22"
    zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  }

  assert {
    condition     = [for subnet in aws_subnet.public : subnet.cidr_block] == ["10.1.4.0/27", "10.1.4.32/27", "10.1.4.64/27"]
    error_message = "A public subnet is never smaller than /27."
  }
  assert {
    condition     = [for subnet in aws_subnet.runtime : subnet.cidr_block] == ["10.1.5.0/26", "10.1.5.64/26", "10.1.5.128/26"]
    error_message = "Runtime subnets keep their proportion."
  }
}

run "too_small_a_network" {
  command = plan

  variables {
    cidr = "10.0.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "one_zone_is_not_enough" {
  command = plan

  variables {
    zones = ["eu-central-1a"]
  }

  expect_failures = [var.zones]
}

run "an_unknown_kind_of_nat" {
  command = plan

  variables {
    nat = "instance"
  }

  expect_failures = [var.nat]
}

mock_provider "aws" {}

variables {
  name                       = "shop-prod"
  vpc_id                     = "vpc-1"
  endpoint_security_group_id = "sg-endpoints"
  prefix_list_ids            = { s3 = "pl-s3", dynamodb = "pl-dynamodb" }

  services = {
    orbit  = { port = 8080, calls = ["axon", "prices"], public = true }
    axon   = { port = 8080, stores = ["orders"] }
    prices = { port = 9090, mesh = false }
    site   = { port = 3000, mesh = false, public = true }
  }
  stores = {
    orders = { port = 5432 }
  }
}

run "rules_follow_from_calls" {
  command = apply

  assert {
    condition = toset(keys(aws_vpc_security_group_ingress_rule.flow)) == toset([
      "orbit calls axon",
      "orbit calls prices",
      "internal load balancer divides requests of prices",
      "public load balancer hands requests to gateway",
      "public load balancer asks whether gateway is ready",
      "gateway serves orbit",
      "public load balancer serves site",
      "axon uses store orders",
    ])
    error_message = "There is a flow for each sentence of the app file, and none besides."
  }
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.flow["orbit calls axon"].security_group_id == output.ids["axon"]
      && aws_vpc_security_group_ingress_rule.flow["orbit calls axon"].referenced_security_group_id == output.ids["orbit"]
      && aws_vpc_security_group_ingress_rule.flow["orbit calls axon"].from_port == 15006
      && aws_vpc_security_group_ingress_rule.flow["orbit calls axon"].description == "orbit calls axon"
    )
    error_message = "axon admits orbit at its sidecar."
  }
  assert {
    condition = (
      aws_vpc_security_group_egress_rule.flow["orbit calls axon"].security_group_id == output.ids["orbit"]
      && aws_vpc_security_group_egress_rule.flow["orbit calls axon"].referenced_security_group_id == output.ids["axon"]
    )
    error_message = "orbit may reach axon."
  }
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.flow["orbit calls prices"].security_group_id == output.internal_lb_id
      && aws_vpc_security_group_ingress_rule.flow["internal load balancer divides requests of prices"].security_group_id == output.ids["prices"]
      && aws_vpc_security_group_ingress_rule.flow["internal load balancer divides requests of prices"].from_port == 9090
    )
    error_message = "A service outside the mesh is called through the internal load balancer."
  }
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.flow["axon uses store orders"].security_group_id == output.store_ids["orders"]
      && aws_vpc_security_group_ingress_rule.flow["axon uses store orders"].from_port == 5432
    )
    error_message = "Only axon reaches its store."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.public_https.security_group_id == output.public_lb_id && aws_vpc_security_group_ingress_rule.public_https.from_port == 443
    error_message = "The internet reaches the public load balancer at 443."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.public_http) == 0
    error_message = "Port 80 is closed unless asked for."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.flow : rule.cidr_ipv4 == null])
    error_message = "No flow admits a block of addresses."
  }
  assert {
    condition     = length(output.ids) == 5 && length(aws_security_group.this) == 8
    error_message = "Every service, store and load balancer has a group of its own."
  }
}

run "without_nat_the_internet_is_out_of_reach" {
  command = plan

  variables {
    internet_egress = false
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.internet) == 0
    error_message = "No service may call the internet."
  }
  assert {
    condition     = length(aws_vpc_security_group_egress_rule.endpoints) == 5 && length(aws_vpc_security_group_egress_rule.gateway_endpoints) == 10
    error_message = "Every service and the gateway reach AWS through endpoints."
  }
}

run "port_80_on_request" {
  command = plan

  variables {
    redirect_http = true
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.public_http[0].to_port == 80
    error_message = "Port 80 is open when asked for."
  }
}

run "a_call_to_nobody" {
  command = plan

  variables {
    services = { orbit = { port = 8080, calls = ["axon"] } }
  }

  expect_failures = [var.services]
}

run "a_store_that_is_not_there" {
  command = plan

  variables {
    services = { orbit = { port = 8080, stores = ["cache"] } }
  }

  expect_failures = [var.services]
}

run "a_reserved_name" {
  command = plan

  variables {
    services = { gateway = { port = 8080 } }
  }

  expect_failures = [var.services]
}

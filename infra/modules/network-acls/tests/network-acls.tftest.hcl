mock_provider "aws" {}

variables {
  name                   = "shop-prod"
  vpc_id                 = "vpc-1"
  default_network_acl_id = "acl-1"
  store_ports            = [5432, 6379, 5432]

  tiers = {
    public  = { cidr = "10.0.0.0/19", subnet_ids = ["subnet-p1", "subnet-p2"] }
    private = { cidr = "10.0.32.0/20", subnet_ids = ["subnet-s1", "subnet-s2"] }
    runtime = { cidr = "10.0.64.0/18", subnet_ids = ["subnet-r1", "subnet-r2"] }
  }
}

run "deny_by_default" {
  command = plan

  assert {
    condition     = toset([for rule in aws_network_acl.this["public"].ingress : rule.from_port]) == toset([443, 1024])
    error_message = "The internet reaches the public subnets at 443, and with answers."
  }
  assert {
    condition     = alltrue([for rule in aws_network_acl.this["private"].ingress : contains(["10.0.64.0/18", "10.0.32.0/20"], rule.cidr_block)])
    error_message = "Only the VPC's own tasks and stores reach the private subnets."
  }
  assert {
    condition     = alltrue([for rule in aws_network_acl.this["private"].egress : rule.cidr_block != "0.0.0.0/0"])
    error_message = "Nothing leaves the VPC from the private subnets."
  }
  assert {
    condition = toset([
      for rule in aws_network_acl.this["private"].ingress : rule.from_port if rule.cidr_block == "10.0.64.0/18"
    ]) == toset([443, 5432, 6379])
    error_message = "Tasks reach endpoints and stores at their ports, and nothing else."
  }
  assert {
    condition = toset([
      for rule in aws_network_acl.this["runtime"].ingress : "${rule.cidr_block} ${rule.from_port}"
    ]) == toset(["10.0.0.0/19 8443", "10.0.0.0/19 15021", "10.0.64.0/18 15006", "0.0.0.0/0 1024"])
    error_message = "Tasks are reached at the gateway's and the sidecars' ports, and by answers."
  }
  assert {
    condition     = length(aws_default_network_acl.this.ingress) == 0 && length(aws_default_network_acl.this.egress) == 0
    error_message = "A subnet without a tier reaches nothing."
  }
  assert {
    condition     = alltrue([for acl in aws_network_acl.this : length(acl.ingress) <= 20 && length(acl.egress) <= 20])
    error_message = "AWS allows 20 rules in each direction."
  }
}

run "services_without_a_sidecar" {
  command = plan

  variables {
    service_ports = [8080, 3000, 3001, 3002, 3003]
    store_ports   = [5432, 6379, 3306, 27017, 9092]
    redirect_http = true
  }

  assert {
    condition = length(setsubtract(
      ["10.0.0.0/19 8080", "10.0.32.0/20 8080"],
      [for rule in aws_network_acl.this["runtime"].ingress : "${rule.cidr_block} ${rule.from_port}"],
    )) == 0
    error_message = "Both load balancers reach services without a sidecar."
  }
  assert {
    condition     = contains([for rule in aws_network_acl.this["public"].ingress : rule.from_port], 80)
    error_message = "Port 80 is open when asked for."
  }
  assert {
    condition     = alltrue([for acl in aws_network_acl.this : length(acl.ingress) <= 19 && length(acl.egress) <= 19])
    error_message = "AWS allows 20 rules in each direction, its own last one included."
  }
}

run "too_many_ports" {
  command = plan

  variables {
    service_ports = [1, 2, 3, 4, 5, 6]
  }

  expect_failures = [var.service_ports]
}

# A network ACL for each tier. What no rule permits is denied, which is the last rule of every ACL.
#
# ACLs do not remember connections: the answers need rules too. They go back to the port that the
# caller opened for its call, one of the ephemeral ports. The same is true of what NAT gateways (in the
# public subnets) and the gateway endpoints of S3 and DynamoDB send to the runtime subnets: it comes
# from public addresses. Who may open a connection is decided by security groups as well, and more
# narrowly. DNS needs no rule: ACLs do not apply to the VPC's resolver.

locals {
  ephemeral = { from_port = 1024, to_port = 65535 }
  https     = { from_port = 443, to_port = 443 }
  internet  = "0.0.0.0/0"

  public  = var.tiers.public.cidr
  private = var.tiers.private.cidr
  runtime = var.tiers.runtime.cidr

  service_ports = sort(formatlist("%05d", distinct(var.service_ports)))
  store_ports   = sort(formatlist("%05d", distinct(var.store_ports)))

  at_services = [for port in local.service_ports : { from_port = tonumber(port), to_port = tonumber(port) }]
  at_stores   = [for port in local.store_ports : { from_port = tonumber(port), to_port = tonumber(port) }]
  at_gateway  = [for port in distinct([var.gateway_port, var.gateway_health_port]) : { from_port = port, to_port = port }]
  at_sidecars = { from_port = var.mesh_port, to_port = var.mesh_port }

  ingress = {
    public = concat(
      [merge(local.https, { cidr = local.internet })], # callers of public services, and tasks on their way out
      var.redirect_http ? [{ from_port = 80, to_port = 80, cidr = local.internet }] : [],
      [merge(local.ephemeral, { cidr = local.internet })], # answers to load balancers and NAT gateways
    )
    private = concat(
      [merge(local.https, { cidr = local.runtime })], # tasks call endpoints and the internal load balancer
      [for port in local.at_stores : merge(port, { cidr = local.runtime })],
      [for port in local.at_stores : merge(port, { cidr = local.private })], # copies of a store
      [merge(local.ephemeral, { cidr = local.private })],                    # answers between copies
      # Answers to the internal load balancer, which has nothing to ask when every service has a sidecar.
      length(var.service_ports) > 0 ? [merge(local.ephemeral, { cidr = local.runtime })] : [],
    )
    runtime = concat(
      [for port in local.at_gateway : merge(port, { cidr = local.public })],
      [merge(local.at_sidecars, { cidr = local.runtime })],
      [for port in local.at_services : merge(port, { cidr = local.public })],
      [for port in local.at_services : merge(port, { cidr = local.private })],
      [merge(local.ephemeral, { cidr = local.internet })], # answers of stores, of AWS and of the internet
    )
  }

  egress = {
    public = concat(
      [merge(local.https, { cidr = local.internet })], # NAT gateways
      [for port in local.at_gateway : merge(port, { cidr = local.runtime })],
      [for port in local.at_services : merge(port, { cidr = local.runtime })],
      [merge(local.ephemeral, { cidr = local.internet })], # answers to callers of public services
    )
    private = concat(
      [for port in local.at_services : merge(port, { cidr = local.runtime })],
      [for port in local.at_stores : merge(port, { cidr = local.private })],
      [merge(local.ephemeral, { cidr = local.runtime })],
      [merge(local.ephemeral, { cidr = local.private })],
    )
    runtime = concat(
      [merge(local.https, { cidr = local.internet })], # AWS, the internal load balancer, the internet
      [merge(local.at_sidecars, { cidr = local.runtime })],
      [for port in local.at_stores : merge(port, { cidr = local.private })],
      [merge(local.ephemeral, { cidr = local.public })], # answers to load balancers, sidecars and services
      [merge(local.ephemeral, { cidr = local.private })],
      [merge(local.ephemeral, { cidr = local.runtime })],
    )
  }
}

resource "aws_network_acl" "this" {
  # checkov:skip=CKV2_AWS_1:Every ACL is attached to its tier's subnets, which come from module networking as ids.
  for_each = var.tiers

  vpc_id     = var.vpc_id
  subnet_ids = each.value.subnet_ids

  dynamic "ingress" {
    for_each = local.ingress[each.key]

    content {
      rule_no    = 100 + 10 * ingress.key
      action     = "allow"
      protocol   = "tcp"
      cidr_block = ingress.value.cidr
      from_port  = ingress.value.from_port
      to_port    = ingress.value.to_port
    }
  }

  dynamic "egress" {
    for_each = local.egress[each.key]

    content {
      rule_no    = 100 + 10 * egress.key
      action     = "allow"
      protocol   = "tcp"
      cidr_block = egress.value.cidr
      from_port  = egress.value.from_port
      to_port    = egress.value.to_port
    }
  }

  tags = merge(var.tags, { Name = "${var.name}-${each.key}", tier = each.key })
}

# A subnet that belongs to no tier reaches nothing.
resource "aws_default_network_acl" "this" {
  default_network_acl_id = var.default_network_acl_id

  tags = merge(var.tags, { Name = "${var.name}-default-closed" })

  lifecycle {
    # Subnets are in it only until their tier takes them.
    ignore_changes = [subnet_ids]
  }
}

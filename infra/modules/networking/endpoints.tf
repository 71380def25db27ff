# AWS is called without leaving its own network.

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  # `id` is the region's code in versions 5 and 6 of the provider alike.
  region = data.aws_region.current.id

  interface_endpoints = toset(concat(
    var.endpoints_interface,
    var.nat == "none" ? var.endpoints_interface_without_nat : [],
  ))
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = toset(var.endpoints_gateway)

  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${local.region}.${each.key}"
  route_table_ids   = concat([aws_route_table.private.id], values(aws_route_table.runtime)[*].id)

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.interface_endpoints

  vpc_id              = aws_vpc.this.id
  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  subnet_ids          = values(aws_subnet.private)[*].id
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name}-endpoints"
  description = "Interface endpoints of AWS services"
  vpc_id      = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id = aws_security_group.endpoints.id
  description       = "tasks and functions call AWS"
  cidr_ipv4         = local.tier_cidrs.runtime
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = merge(var.tags, { Name = "${var.name}-endpoints" })
}

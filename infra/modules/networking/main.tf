# One VPC with three tiers in two or three zones:
#
#   public    load balancers and NAT gateways          route to the internet gateway
#   private   stores, interface endpoints, internal    no route out of the VPC
#             load balancers
#   runtime   tasks and functions                      route to a NAT gateway, if there is one
#
# Every tier lies in one block of its own, so that a network ACL can name a whole tier by one address
# block. Of a /16 (and in the same proportion of a smaller one):
#
#   10.0.0.0/19    public    10.0.0.0/24,  10.0.1.0/24,  10.0.2.0/24
#   10.0.32.0/20   private   10.0.32.0/22, 10.0.36.0/22, 10.0.40.0/22
#   10.0.64.0/18   runtime   10.0.64.0/20, 10.0.80.0/20, 10.0.96.0/20
#   10.0.128.0/17  free
#
# A public subnet never gets smaller than /27: a load balancer must have eight free addresses.

locals {
  prefix_length = tonumber(split("/", var.cidr)[1])
  zone_index    = { for index, zone in var.zones : zone => index }

  public_newbits = min(8, 27 - local.prefix_length)

  tier_cidrs = {
    public  = cidrsubnet(var.cidr, 3, 0)
    private = cidrsubnet(var.cidr, 4, 2)
    runtime = cidrsubnet(var.cidr, 2, 1)
  }

  nat_zones = {
    per-zone = var.zones
    single   = slice(var.zones, 0, 1)
    none     = []
  }[var.nat]

  # The zone whose NAT gateway a zone's runtime subnet uses.
  nat_zone_of = {
    for zone in var.zones : zone => var.nat == "per-zone" ? zone : var.zones[0]
    if var.nat != "none"
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = merge(var.tags, { Name = var.name })
}

# Adopted without rules: whatever is started without a security group of its own reaches nothing.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-default-closed" })
}

# Public tier

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_subnet" "public" {
  for_each = local.zone_index

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.cidr, local.public_newbits, each.value)
  map_public_ip_on_launch = false

  tags = merge(var.tags, { Name = "${var.name}-public-${each.key}", tier = "public" })
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-public" })
}

resource "aws_route" "public_internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = merge(var.tags, { Name = "${var.name}-nat-${each.key}" })

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = aws_eip.nat

  allocation_id = each.value.id
  subnet_id     = aws_subnet.public[each.key].id

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })

  depends_on = [aws_internet_gateway.this]
}

# Private tier

resource "aws_subnet" "private" {
  for_each = local.zone_index

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(local.tier_cidrs.private, 2, each.value)

  tags = merge(var.tags, { Name = "${var.name}-private-${each.key}", tier = "private" })
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-private" })
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}

# Runtime tier: a route table for each zone, since each zone may have a NAT gateway of its own.

resource "aws_subnet" "runtime" {
  for_each = local.zone_index

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(local.tier_cidrs.runtime, 2, each.value)

  tags = merge(var.tags, { Name = "${var.name}-runtime-${each.key}", tier = "runtime" })
}

resource "aws_route_table" "runtime" {
  for_each = local.zone_index

  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-runtime-${each.key}" })
}

resource "aws_route" "runtime_internet" {
  for_each = local.nat_zone_of

  route_table_id         = aws_route_table.runtime[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.value].id
}

resource "aws_route_table_association" "runtime" {
  for_each = aws_subnet.runtime

  subnet_id      = each.value.id
  route_table_id = aws_route_table.runtime[each.key].id
}

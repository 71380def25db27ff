# One security group for each service, store and load balancer, and rules that follow from the app
# file: a flow is one sentence of it ("orbit calls axon"), and opens one port at both of its ends.
# Nothing else is open. Answers need no rule: security groups remember connections.

locals {
  meshed   = { for name, service in var.services : name => service if service.mesh }
  unmeshed = { for name, service in var.services : name => service if !service.mesh }

  # Everything that runs in the runtime subnets and calls AWS.
  workloads = concat(keys(var.services), ["gateway"])

  groups = merge(
    { for name in keys(var.services) : name => "Service ${name}" },
    { for name in keys(var.stores) : "store-${name}" => "Store ${name}" },
    {
      gateway     = "Gateway: public requests enter the mesh here"
      public-lb   = "Load balancer that the internet reaches"
      internal-lb = "Load balancer for calls inside the VPC"
    },
  )

  # A service in the mesh is called at its sidecar, any other through the internal load balancer.
  calls = merge([
    for caller, service in var.services : {
      for callee in service.calls : "${caller} calls ${callee}" => {
        from = caller
        to   = var.services[callee].mesh ? callee : "internal-lb"
        port = var.services[callee].mesh ? var.mesh_port : 443
      }
    }
  ]...)

  divided_calls = {
    for name in distinct(flatten(values(var.services)[*].calls)) :
    "internal load balancer divides requests of ${name}" => {
      from = "internal-lb"
      to   = name
      port = var.services[name].port
    }
    if !var.services[name].mesh
  }

  public_requests = merge(
    {
      "public load balancer hands requests to gateway" = {
        from = "public-lb"
        to   = "gateway"
        port = var.gateway_port
      }
      "public load balancer asks whether gateway is ready" = {
        from = "public-lb"
        to   = "gateway"
        port = var.gateway_health_port
      }
    },
    {
      for name, service in local.meshed : "gateway serves ${name}" => {
        from = "gateway"
        to   = name
        port = var.mesh_port
      } if service.public
    },
    {
      for name, service in local.unmeshed : "public load balancer serves ${name}" => {
        from = "public-lb"
        to   = name
        port = service.port
      } if service.public
    },
  )

  stored_data = merge([
    for name, service in var.services : {
      for store in service.stores : "${name} uses store ${store}" => {
        from = name
        to   = "store-${store}"
        port = var.stores[store].port
      }
    }
  ]...)

  flows = merge(local.calls, local.divided_calls, local.public_requests, local.stored_data)
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5:Groups are attached by the modules of services, stores and load balancers, which take their ids.
  for_each = local.groups

  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  description                  = each.key
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = merge(var.tags, { Name = each.key })
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  description                  = each.key
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = merge(var.tags, { Name = each.key })
}

# The internet

resource "aws_vpc_security_group_ingress_rule" "public_https" {
  security_group_id = aws_security_group.this["public-lb"].id
  description       = "the internet calls public services"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = merge(var.tags, { Name = "${var.name}-public-https" })
}

resource "aws_vpc_security_group_ingress_rule" "public_http" {
  count = var.redirect_http ? 1 : 0

  security_group_id = aws_security_group.this["public-lb"].id
  description       = "the internet is redirected to HTTPS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80

  tags = merge(var.tags, { Name = "${var.name}-public-http" })
}

resource "aws_vpc_security_group_egress_rule" "internet" {
  for_each = toset(var.internet_egress ? local.workloads : [])

  security_group_id = aws_security_group.this[each.key].id
  description       = "${each.key} calls the internet through NAT"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = merge(var.tags, { Name = "${each.key} calls the internet" })
}

# AWS

resource "aws_vpc_security_group_egress_rule" "endpoints" {
  for_each = toset(local.workloads)

  security_group_id            = aws_security_group.this[each.key].id
  referenced_security_group_id = var.endpoint_security_group_id
  description                  = "${each.key} calls AWS through interface endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443

  tags = merge(var.tags, { Name = "${each.key} calls AWS" })
}

resource "aws_vpc_security_group_egress_rule" "gateway_endpoints" {
  for_each = {
    for pair in setproduct(local.workloads, keys(var.prefix_list_ids)) :
    "${pair[0]} calls ${pair[1]}" => { group = pair[0], prefix_list_id = var.prefix_list_ids[pair[1]] }
  }

  security_group_id = aws_security_group.this[each.value.group].id
  prefix_list_id    = each.value.prefix_list_id
  description       = "${each.key} through its gateway endpoint"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = merge(var.tags, { Name = each.key })
}

output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Addresses of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "tier_cidrs" {
  description = "The block of addresses of each tier: public, private, runtime."
  value       = local.tier_cidrs
}

output "public_subnet_ids" {
  description = "Subnets of public load balancers, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Subnets of stores, endpoints and internal load balancers, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "runtime_subnet_ids" {
  description = "Subnets of tasks and functions, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.runtime[zone].id]
}

output "public_route_table_id" {
  description = "Route table of the public subnets."
  value       = aws_route_table.public.id
}

output "private_route_table_id" {
  description = "Route table of the private subnets."
  value       = aws_route_table.private.id
}

output "runtime_route_table_ids" {
  description = "Route tables of the runtime subnets, in the order of the zones."
  value       = [for zone in var.zones : aws_route_table.runtime[zone].id]
}

output "endpoint_security_group_id" {
  description = "Security group of the interface endpoints."
  value       = aws_security_group.endpoints.id
}

output "endpoint_ids" {
  description = "Endpoints by AWS service: s3, ecr.api, …"
  value = {
    for service, endpoint in merge(aws_vpc_endpoint.gateway, aws_vpc_endpoint.interface) :
    service => endpoint.id
  }
}

output "prefix_list_ids" {
  description = "Prefix lists of the gateway endpoints by AWS service, for rules of security groups."
  value       = { for service, endpoint in aws_vpc_endpoint.gateway : service => endpoint.prefix_list_id }
}

output "nat_public_ips" {
  description = "Addresses from which the services call the internet, in the order of the zones."
  value       = [for zone in local.nat_zones : aws_eip.nat[zone].public_ip]
}

output "flow_log_group_name" {
  description = "Log group of the flow logs."
  value       = aws_cloudwatch_log_group.flow_logs.name
}

output "default_network_acl_id" {
  description = "The network ACL of subnets without one of their own, for module network-acls to close."
  value       = aws_vpc.this.default_network_acl_id
}

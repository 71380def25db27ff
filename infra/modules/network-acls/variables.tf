variable "name" {
  description = "Prefix of all names: <app>-<environment>."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
  nullable    = false
}

variable "tiers" {
  description = "Each tier's block of addresses and its subnets, from module networking."
  type = object({
    public  = object({ cidr = string, subnet_ids = list(string) })
    private = object({ cidr = string, subnet_ids = list(string) })
    runtime = object({ cidr = string, subnet_ids = list(string) })
  })
  nullable = false
}

variable "default_network_acl_id" {
  description = "The VPC's default network ACL, from module networking; it is left without rules."
  type        = string
  nullable    = false
}

variable "mesh_port" {
  description = "Port on which every sidecar takes calls by mutual TLS."
  type        = number
  default     = 15006
  nullable    = false
}

variable "gateway_health_port" {
  description = "Port on which the gateway tells the public load balancer whether it is ready."
  type        = number
  default     = 15021
  nullable    = false
}

variable "gateway_port" {
  description = "Port on which the gateway takes requests of the public load balancer."
  type        = number
  default     = 8443
  nullable    = false
}

variable "service_ports" {
  description = "Ports of the services without a sidecar, which load balancers reach directly. AWS allows 20 rules in each direction, hence at most five different ones."
  type        = list(number)
  default     = []
  nullable    = false

  validation {
    condition     = length(distinct(var.service_ports)) <= 5
    error_message = "At most five different ports: AWS allows 20 rules in each direction."
  }
}

variable "store_ports" {
  description = "Ports of the stores in the private subnets."
  type        = list(number)
  default     = []
  nullable    = false

  validation {
    condition     = length(distinct(var.store_ports)) <= 5
    error_message = "At most five different ports: AWS allows 20 rules in each direction."
  }
}

variable "redirect_http" {
  description = "Admits the internet to the public subnets at port 80 too."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

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

variable "services" {
  description = "What each service listens on and reaches. `mesh = false` is a service without a sidecar: load balancers reach it at its own port."
  type = map(object({
    port   = number
    calls  = optional(list(string), [])
    public = optional(bool, false)
    stores = optional(list(string), [])
    mesh   = optional(bool, true)
  }))
  nullable = false

  validation {
    condition     = alltrue(flatten([for service in var.services : [for callee in service.calls : contains(keys(var.services), callee)]]))
    error_message = "Every service in calls must be one of the services."
  }

  validation {
    condition     = alltrue(flatten([for service in var.services : [for store in service.stores : contains(keys(var.stores), store)]]))
    error_message = "Every store of a service must be one of the stores. Leave out stores without an address in the VPC: buckets, tables."
  }

  validation {
    condition = length(setintersection(
      keys(var.services),
      concat(["gateway", "public-lb", "internal-lb"], [for store in keys(var.stores) : "store-${store}"]),
    )) == 0
    error_message = "gateway, public-lb, internal-lb and store-<store> are the names of other groups."
  }
}

variable "stores" {
  description = "Stores with an address in the VPC, and the port they listen on."
  type        = map(object({ port = number }))
  default     = {}
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

variable "redirect_http" {
  description = "Opens port 80 of the public load balancer too, where everything is redirected to HTTPS. Off, 443 is the only port open to the internet."
  type        = bool
  default     = false
  nullable    = false
}

variable "endpoint_security_group_id" {
  description = "Security group of the interface endpoints, from module networking."
  type        = string
  nullable    = false
}

variable "prefix_list_ids" {
  description = "Prefix lists of the gateway endpoints by AWS service, from module networking."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "internet_egress" {
  description = "Lets services call the internet by HTTPS: true unless the network has no NAT."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

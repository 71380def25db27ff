variable "name" {
  description = "Prefix of all names: <app>-<environment>."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "The VPC in which the names are known."
  type        = string
  nullable    = false
}

variable "namespace" {
  description = "Domain of the names: svc.local makes orbit-r7.svc.local."
  type        = string
  default     = "svc.local"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$", var.namespace))
    error_message = "A namespace is a domain of at least two labels, such as svc.local."
  }
}

variable "ttl" {
  description = "Seconds for which a caller may keep an address. Shorter asks the resolver too often, longer sends requests to tasks that are gone."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.ttl >= 5 && var.ttl <= 10
    error_message = "The TTL is 5 to 10 seconds."
  }
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

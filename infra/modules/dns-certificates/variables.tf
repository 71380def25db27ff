variable "domain" {
  description = "Name that the public services answer to: shop.example.com."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "The domain is written like shop.example.com."
  }
}

variable "alternative_names" {
  description = "Further names in the certificate, such as *.internal.shop.example.com. They get no address records."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = !contains(var.alternative_names, var.domain)
    error_message = "The domain itself is in the certificate already."
  }
}

variable "hosted_zone" {
  description = "Public Route 53 zone that the names belong to: example.com. It must be there."
  type        = string
  nullable    = false
}

variable "target" {
  description = "Load balancer or distribution that the domain leads to; null makes the certificate only."
  type = object({
    dns_name = string
    zone_id  = string
  })
  default = null
}

variable "failover_role" {
  description = "PRIMARY in the region that answers as long as it is healthy, SECONDARY in the one that takes over; null where there is one region only."
  type        = string
  default     = null

  validation {
    condition     = var.failover_role == null ? true : contains(["PRIMARY", "SECONDARY"], var.failover_role)
    error_message = "The role is PRIMARY or SECONDARY."
  }

  validation {
    condition     = var.failover_role == null || (var.set_identifier != null && var.target != null)
    error_message = "Failover needs a target, and a set_identifier that tells the regions apart."
  }
}

variable "set_identifier" {
  description = "What tells the regions apart: eu-central-1. With failover the region answers to <set_identifier>.<domain> as well, where its health is checked."
  type        = string
  default     = null

  validation {
    condition     = var.set_identifier == null ? true : can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", var.set_identifier))
    error_message = "The identifier is a label of a name: lower-case letters, digits and hyphens."
  }
}

variable "health_check" {
  description = "How Route 53 asks a region whether it is healthy: path, seconds between two questions (10 or 30), and how many failures in a row make it unhealthy."
  type = object({
    path     = optional(string, "/health")
    interval = optional(number, 10)
    failures = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition     = startswith(var.health_check.path, "/") && contains([10, 30], var.health_check.interval) && var.health_check.failures >= 1 && var.health_check.failures <= 10
    error_message = "The path starts with /, the interval is 10 or 30 seconds, and failures are 1 to 10."
  }
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

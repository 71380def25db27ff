variable "slots" {
  description = "Name of the target group of each slot, 32 characters at most."
  type        = map(string)

  validation {
    condition     = alltrue([for name in values(var.slots) : length(name) <= 32])
    error_message = "The name of a target group has 32 characters at most."
  }
}

variable "vpc_id" {
  description = "Network of the targets."
  type        = string
}

variable "port" {
  description = "Port on which the targets listen."
  type        = number
}

variable "protocol" {
  description = "HTTP or HTTPS, spoken to the targets."
  type        = string
  default     = "HTTP"

  validation {
    condition     = contains(["HTTP", "HTTPS"], var.protocol)
    error_message = "The protocol is HTTP or HTTPS."
  }
}

variable "protocol_version" {
  description = "HTTP1, HTTP2 or GRPC, spoken to the targets."
  type        = string
  default     = "HTTP1"

  validation {
    condition     = contains(["HTTP1", "HTTP2", "GRPC"], var.protocol_version)
    error_message = "The version is HTTP1, HTTP2 or GRPC."
  }
}

variable "health" {
  description = "How the load balancer asks whether a target works; times in seconds, rounded to what AWS allows. Another port or protocol than that of the requests may be given."
  type = object({
    path      = optional(string)
    port      = optional(string, "traffic-port")
    protocol  = optional(string)
    interval  = optional(number, 10)
    timeout   = optional(number, 5)
    healthy   = optional(number, 2)
    unhealthy = optional(number, 3)
  })
  default = {}
}

variable "deregistration_delay" {
  description = "Seconds that a target which leaves has for its last requests."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

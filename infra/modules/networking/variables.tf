variable "name" {
  description = "Prefix of all names: <app>-<environment>."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,40}$", var.name))
    error_message = "The name must start with a letter and hold at most 41 lower-case letters, digits and hyphens."
  }
}

variable "cidr" {
  description = "Addresses of the VPC, /16 to /22. How it is divided among the tiers is written at the top of main.tf."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/(1[6-9]|2[0-2])$", var.cidr))
    error_message = "The block must be written like 10.0.0.0/16 and be between /16 and /22."
  }
}

variable "zones" {
  description = "Names of the availability zones, in a fixed order: a zone's place in the list decides its subnets' addresses."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 3 && length(distinct(var.zones)) == length(var.zones)
    error_message = "Name two or three different zones."
  }
}

variable "nat" {
  description = "Ways out to the internet for the runtime subnets: one NAT gateway in each zone (per-zone), one for all (single), or none."
  type        = string
  default     = "per-zone"
  nullable    = false

  validation {
    condition     = contains(["per-zone", "single", "none"], var.nat)
    error_message = "nat must be per-zone, single or none."
  }
}

variable "endpoints_gateway" {
  description = "AWS services that are reached through gateway endpoints, which cost nothing."
  type        = list(string)
  default     = ["dynamodb", "s3"]
  nullable    = false

  validation {
    condition     = length(setsubtract(var.endpoints_gateway, ["dynamodb", "s3"])) == 0
    error_message = "Only dynamodb and s3 have gateway endpoints."
  }
}

variable "endpoints_interface" {
  description = "AWS services that always get an interface endpoint: what every Fargate task calls, with or without NAT."
  type        = list(string)
  default     = ["ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager", "ssm", "sts"]
  nullable    = false
}

variable "endpoints_interface_without_nat" {
  description = "AWS services that get an interface endpoint as well when nat is none, because there is no other way to them. With NAT they would only add to the bill."
  type        = list(string)
  default     = ["events", "lambda", "monitoring", "sns", "sqs", "ssmmessages", "xray"]
  nullable    = false
}

variable "flow_log_retention" {
  description = "Days that flow logs are kept: one of the periods that CloudWatch Logs knows."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.flow_log_retention)
    error_message = "CloudWatch Logs keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the flow logs. Its policy must let logs.<region>.amazonaws.com use it."
  type        = string
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role that writes flow logs; null gives it none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "name" {
  description = "Name of the load balancer, at most 32 characters, which is what AWS allows."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$", var.name)) && !startswith(var.name, "internal-")
    error_message = "The name has at most 32 letters, digits and hyphens, with no hyphen at either end and no internal- at its start."
  }
}

variable "internal" {
  description = "Whether it is reached from the VPC only."
  type        = bool
  default     = false
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets in at least two zones: public ones, or private ones if it is internal."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A load balancer needs subnets in at least two zones."
  }
}

variable "security_group_id" {
  description = "Its security group, from module security-groups."
  type        = string
  nullable    = false
}

variable "certificate_arn" {
  description = "Certificate of ACM, in this region."
  type        = string
  nullable    = false
}

variable "ssl_policy" {
  description = "TLS versions and ciphers that are offered: TLS 1.3, and 1.2 with forward secrecy for older clients."
  type        = string
  default     = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  nullable    = false

  validation {
    condition     = startswith(var.ssl_policy, "ELBSecurityPolicy-TLS13-1-")
    error_message = "Take a policy that offers TLS 1.3: ELBSecurityPolicy-TLS13-1-2-2021-06 or ELBSecurityPolicy-TLS13-1-3-2021-06."
  }
}

variable "access_log_bucket" {
  description = "Bucket of access logs and connection logs; it must use SSE-S3 and admit the log delivery of load balancers."
  type        = string
  nullable    = false
}

variable "rules" {
  description = "Who gets which requests. A rule matches if one of its hosts and one of its paths do; an empty list matches all. Weights are those at first: later ones are set by deployments and left alone."
  type = map(object({
    priority = number
    hosts    = optional(list(string), [])
    paths    = optional(list(string), [])
    targets = list(object({
      arn    = string
      weight = number
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for rule in var.rules : length(rule.targets) >= 1 && length(rule.targets) <= 5])
    error_message = "A rule divides requests among one to five target groups."
  }

  validation {
    condition     = alltrue(flatten([for rule in var.rules : [for target in rule.targets : target.weight >= 0 && target.weight <= 999]]))
    error_message = "A weight is between 0 and 999."
  }

  validation {
    condition     = alltrue([for rule in var.rules : length(rule.hosts) + length(rule.paths) >= 1 && length(rule.hosts) + length(rule.paths) <= 5])
    error_message = "A rule names one to five hosts and paths together."
  }

  validation {
    condition     = length(distinct(values(var.rules)[*].priority)) == length(var.rules)
    error_message = "Every rule has a priority of its own."
  }
}

variable "waf_enabled" {
  description = "Puts a web application firewall before it. It logs what it blocked."
  type        = bool
  default     = true
  nullable    = false
}

variable "waf_rule_groups" {
  description = "Further managed rule groups of AWS in the order in which they are asked, and those of their rules that only count matches. Known bad inputs and anonymous proxies are always asked first."
  type = list(object({
    name       = string
    count_only = optional(list(string), [])
  }))
  default = [
    { name = "AWSManagedRulesAmazonIpReputationList" },
    # This rule blocks every body over 8 KiB, which many honest requests have.
    { name = "AWSManagedRulesCommonRuleSet", count_only = ["SizeRestrictions_BODY"] },
    { name = "AWSManagedRulesSQLiRuleSet" },
  ]
  nullable = false
}

variable "waf_rate_limit" {
  description = "Requests that one address may send in five minutes; more are blocked."
  type        = number
  default     = 10000
  nullable    = false

  validation {
    condition     = var.waf_rate_limit >= 10 && var.waf_rate_limit <= 2000000000
    error_message = "AWS takes a limit of 10 to 2,000,000,000 requests."
  }
}

variable "waf_log_retention" {
  description = "Days that the firewall's log is kept."
  type        = number
  default     = 400
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts the firewall's log; required with waf_enabled. Its policy must let logs.<region>.amazonaws.com use it."
  type        = string
  default     = null

  validation {
    condition     = !var.waf_enabled || var.kms_key_arn != null
    error_message = "The firewall's log needs a key."
  }
}

variable "idle_timeout" {
  description = "Seconds after which a silent connection is closed. Longer than the slowest answer."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.idle_timeout >= 1 && var.idle_timeout <= 4000
    error_message = "AWS takes 1 to 4000 seconds."
  }
}

variable "drop_invalid_headers" {
  description = "Drops header fields whose names are not valid."
  type        = bool
  default     = true
  nullable    = false
}

variable "deletion_protection" {
  description = "Refuses to be destroyed."
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

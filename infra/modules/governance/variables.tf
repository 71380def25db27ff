variable "name" {
  description = "Prefix of every name: <app>-<environment>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,36}$", var.name))
    error_message = "The name has 2 to 37 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "environment" {
  description = "Name of the environment: the key of its policy sets."
  type        = string
}

variable "region" {
  description = "Region of the function; the name of the IAM role ends with it."
  type        = string
}

variable "package" {
  description = "Path of the function's package: a zip with the parts of fairway and fairway_runtime that decide."
  type        = string
}

variable "package_hash" {
  description = "SHA-256 of the package in base64: a new one publishes a new version."
  type        = string
}

variable "runtime" {
  description = "Python of the function."
  type        = string
  default     = "python3.13"

  validation {
    condition     = can(regex("^python3\\.(1[1-9])$", var.runtime))
    error_message = "The function runs on python3.11 or later."
  }
}

variable "architecture" {
  description = "Processor that the package was made for."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "memory_mib" {
  description = "Memory of the function in MiB; its share of CPU grows with it."
  type        = number
  default     = 512
}

variable "timeout" {
  description = "Seconds that a decision may take."
  type        = number
  default     = 5

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 30
    error_message = "A decision takes 1 to 30 seconds: API Gateway waits no longer."
  }
}

variable "concurrency" {
  description = "Decisions at once, reserved for this function and no more than these."
  type        = number
  default     = 20

  validation {
    condition     = var.concurrency >= 1
    error_message = "At least one decision must be possible."
  }
}

variable "variables" {
  description = "Further environment variables of the function."
  type        = map(string)
  default     = {}
}

variable "subnet_ids" {
  description = "Private subnets of the function."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the function: only ways out, to endpoints."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key that encrypts tables, logs, the queue and the function's variables."
  type        = string
}

variable "invoker_role_arns" {
  description = "ARNs of roles that may ask for decisions by invoking the function, by any name."
  type        = map(string)
  default     = {}
}

variable "api" {
  description = "Whether decisions are answered over HTTPS too, to requests signed with IAM credentials."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that logs and audit entries are kept."
  type        = number
  default     = 400
}

variable "deletion_protection" {
  description = "Whether the tables refuse to be deleted."
  type        = bool
  default     = true
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms: the topic of alarms."
  type        = list(string)
  default     = []
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the function's role; null gives it none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

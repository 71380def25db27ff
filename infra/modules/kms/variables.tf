variable "name" {
  description = "Name of the key; its alias is alias/<name>."
  type        = string
}

variable "description" {
  description = "What the key encrypts."
  type        = string
}

variable "users" {
  description = "ARNs of the roles that encrypt and decrypt with the key. They need not exist yet."
  type        = list(string)
  default     = []
}

variable "secret_writers" {
  description = "ARNs of the roles that set secrets under this key. They use it through Secrets Manager only."
  type        = list(string)
  default     = []
}

variable "services" {
  description = "Services of AWS that use the key by themselves, as principals: logs.eu-central-1.amazonaws.com, events.amazonaws.com."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for service in var.services : can(regex("^[a-z0-9.-]+\\.amazonaws\\.com(\\.cn)?$", service))])
    error_message = "Write the principal of a service: logs.eu-central-1.amazonaws.com."
  }
}

variable "account_via" {
  description = <<-EOT
    Services of AWS, as endpoints in the region (s3.eu-central-1.amazonaws.com), through which everybody in the
    account may use the key who has a permission for it: for keys of what belongs to no service alone, like a bucket
    of configuration. Empty for the key of a service.
  EOT
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for service in var.account_via : can(regex("^[a-z0-9-]+\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?$", service))])
    error_message = "Write the endpoint of a service: s3.eu-central-1.amazonaws.com."
  }
}

variable "admins" {
  description = "ARNs of the roles that administer the key, which does not let them use it. Empty: whoever has a permission for it in the account."
  type        = list(string)
  default     = []
}

variable "deletion_window" {
  description = "Days for which the deletion of the key can be taken back."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window >= 7 && var.deletion_window <= 30
    error_message = "KMS waits 7 to 30 days."
  }
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

variable "path" {
  description = "Path that all names begin with: /<app>-<environment>/<service>."
  type        = string

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){1,14}$", var.path))
    error_message = "A path begins with / and does not end with it."
  }
}

variable "values" {
  description = "Values by name. They are encrypted, and they are in the state: for a secret use the module secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for value in values(var.values) : length(value) > 0 && length(value) <= 4096])
    error_message = "A value has 1 to 4096 characters."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the values."
  type        = string
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

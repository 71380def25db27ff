variable "name" {
  description = "Name of the vault and the plan."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{2,50}$", var.name))
    error_message = "The name has 2 to 50 letters, digits, underscores and hyphens."
  }
}

variable "region" {
  description = "Region of the vault; the name of the IAM role ends with it."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the backups."
  type        = string
}

variable "selection_tags" {
  description = "Tags that a resource must have, all of them, to be backed up."
  type        = map(string)

  validation {
    condition     = length(var.selection_tags) > 0
    error_message = "Without a tag every resource of the account would be backed up."
  }
}

variable "resources" {
  description = "Patterns of ARNs among which the tags select: all kinds of resources unless told otherwise."
  type        = set(string)
  default     = ["*"]
}

variable "rules" {
  description = "Rules by name: when (cron, UTC), for how many days, after how many into cold storage, and whether continuously (35 days at most)."
  type = map(object({
    schedule          = string
    delete_after_days = number
    cold_after_days   = optional(number)
    continuous        = optional(bool, false)
  }))
  default = {
    daily = {
      schedule          = "cron(0 3 * * ? *)"
      delete_after_days = 35
    }
    monthly = {
      schedule          = "cron(0 4 1 * ? *)"
      delete_after_days = 365
      cold_after_days   = 30
    }
  }

  validation {
    condition = alltrue([
      for rule in values(var.rules) :
      rule.cold_after_days == null ? true : rule.delete_after_days >= rule.cold_after_days + 90
    ])
    error_message = "What goes into cold storage stays there for at least 90 days."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : !rule.continuous || rule.delete_after_days <= 35])
    error_message = "A continuous backup reaches back 35 days at most."
  }
}

variable "copies" {
  description = "Vaults, usually of another region, that get a copy of every backup; without days, as long as the original."
  type = list(object({
    vault_arn         = string
    delete_after_days = optional(number)
  }))
  default = []
}

variable "lock" {
  description = "Limits that nobody can undercut; with changeable_for_days nobody, AWS neither, can take the lock away after these. Null does not lock."
  type = object({
    min_days            = number
    max_days            = optional(number)
    changeable_for_days = optional(number)
  })
  default = null

  validation {
    condition     = try(var.lock.changeable_for_days, null) == null ? true : var.lock.changeable_for_days >= 3
    error_message = "A lock can be changed for three days at least."
  }
}

variable "notify" {
  description = "Topic that is told of failed backups and copies; it must admit backup.amazonaws.com. Null tells nobody."
  type        = object({ topic_arn = string })
  default     = null
}

variable "force_destroy" {
  description = "Whether destroying the vault deletes the backups that are still in it."
  type        = bool
  default     = false
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles that the module makes; null gives them none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

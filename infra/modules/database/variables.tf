variable "name" {
  description = "Identifier of the instance, and prefix of the names of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 50
    error_message = "The name has up to 50 lower-case letters, digits and single hyphens, a letter first."
  }
}

variable "region" {
  description = "Region of the instance; the name of the IAM role ends with it."
  type        = string
}

variable "engine_version" {
  description = "Version of PostgreSQL: the major one (minor ones are then RDS's choice) or an exact one."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[4-9](\\.\\d+)?$", var.engine_version))
    error_message = "Versions of PostgreSQL are 14 to 19, as in \"17\" or \"17.4\"."
  }
}

variable "instance_class" {
  description = "Instance class, as in db.t4g.small."
  type        = string
}

variable "storage_gib" {
  description = "Disk at first, in GiB; it grows by itself to ten times that."
  type        = number
  default     = 20

  validation {
    condition     = var.storage_gib >= 20
    error_message = "A gp3 disk has at least 20 GiB."
  }
}

variable "multi_az" {
  description = "Whether a standby in another zone takes over when the instance fails."
  type        = bool
  default     = true
}

variable "database" {
  description = "Name of the first database."
  type        = string
  default     = "app"
}

variable "master_username" {
  description = "Name of the master user; its password is a secret that RDS makes and rotates."
  type        = string
  default     = "fairway"
}

variable "port" {
  description = "Port that it listens on."
  type        = number
  default     = 5432
}

variable "subnet_ids" {
  description = "Private subnets, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS wants subnets in two zones at least."
  }
}

variable "security_group_ids" {
  description = "Security groups that say who may connect."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key of this region for the disk, backups, the master secret, Performance Insights and logs."
  type        = string
}

variable "backup_days" {
  description = "Days back to any second of which the database can be restored."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "Automated backups are kept for 1 to 35 days."
  }
}

variable "backup_window" {
  description = "Time of the daily backup (UTC)."
  type        = string
  default     = "02:00-03:00"
}

variable "maintenance_window" {
  description = "Time of the weekly maintenance (UTC); it must not overlap with the backup."
  type        = string
  default     = "sun:03:30-sun:04:30"
}

variable "parameters" {
  description = "Further parameters of PostgreSQL by name; they replace those of the module."
  type        = map(string)
  default     = {}
}

variable "replicate_source_arn" {
  description = "ARN of the instance, of another region, that this one follows and can only be read; null for one of its own."
  type        = string
  default     = null
}

variable "replicated" {
  description = "Whether a replica in another region follows it: RDS cannot keep its master password then. Needs Terraform 1.11."
  type        = bool
  default     = false

  validation {
    condition     = !var.replicated || var.replicate_source_arn == null
    error_message = "A replica is not followed by another one."
  }
}

variable "monitoring_interval" {
  description = "Seconds between measurements of the operating system (enhanced monitoring)."
  type        = number
  default     = 60

  validation {
    condition     = contains([1, 5, 10, 15, 30, 60], var.monitoring_interval)
    error_message = "Enhanced monitoring measures every 1, 5, 10, 15, 30 or 60 seconds."
  }
}

variable "log_retention_days" {
  description = "Days that PostgreSQL's logs are kept."
  type        = number
  default     = 400
}

variable "deletion_protection" {
  description = "Whether the instance refuses to be deleted."
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Whether the data is gone with the instance instead of kept in a last snapshot."
  type        = bool
  default     = false
}

variable "apply_immediately" {
  description = "Whether changes happen at once instead of in the next maintenance window."
  type        = bool
  default     = false
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms: the topic of alarms."
  type        = list(string)
  default     = []
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

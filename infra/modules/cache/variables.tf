variable "name" {
  description = "Id of the replication group, and prefix of its users' names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40
    error_message = "The name has up to 40 lower-case letters, digits and single hyphens, a letter first."
  }
}

variable "engine_version" {
  description = "Version of Valkey, as in 8.0."
  type        = string
  default     = "8.0"

  validation {
    condition     = can(regex("^([7-9]|[1-9]\\d)\\.\\d+$", var.engine_version))
    error_message = "A version of Valkey is written like 8.0; the first one is 7.2."
  }
}

variable "node_type" {
  description = "Node type, as in cache.t4g.small."
  type        = string
}

variable "replicas" {
  description = "Replicas beside the primary."
  type        = number
  default     = 1

  validation {
    condition     = var.replicas >= 0 && var.replicas <= 5
    error_message = "There are 0 to 5 replicas."
  }
}

variable "multi_az" {
  description = "Whether replicas are in other zones and one takes over when the primary fails."
  type        = bool
  default     = true

  validation {
    condition     = !var.multi_az || var.replicas > 0
    error_message = "Without a replica nothing can take over: set multi_az to false."
  }
}

variable "port" {
  description = "Port that it listens on."
  type        = number
  default     = 6379
}

variable "users" {
  description = "Users by name, usually services, each with what it may do as an access string of Valkey."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for user in keys(var.users) : can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", user))])
    error_message = "A user's name has lower-case letters, digits and single hyphens."
  }

  validation {
    condition     = alltrue([for access in values(var.users) : can(regex("^on ", access))])
    error_message = "An access string begins with \"on\", as in \"on ~* +@all -@dangerous\"."
  }
}

variable "eviction" {
  description = "What is evicted when the memory is full: a maxmemory-policy of Valkey."
  type        = string
  default     = "volatile-lru"

  validation {
    condition = contains([
      "allkeys-lfu", "allkeys-lru", "allkeys-random", "noeviction",
      "volatile-lfu", "volatile-lru", "volatile-random", "volatile-ttl",
    ], var.eviction)
    error_message = "This is no maxmemory-policy of Valkey."
  }
}

variable "subnet_ids" {
  description = "Private subnets, one for each zone."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups that say who may connect."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key that encrypts data at rest, snapshots and logs."
  type        = string
}

variable "snapshot_days" {
  description = "Days that daily snapshots are kept; 0 makes none."
  type        = number
  default     = 7
}

variable "log_retention_days" {
  description = "Days that slow commands and the engine's log are kept."
  type        = number
  default     = 400
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

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

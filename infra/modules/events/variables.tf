variable "name" {
  description = "Name of the bus, and prefix of the names of topics and queues."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,40}$", var.name))
    error_message = "The name has 1 to 40 letters, digits, underscores and hyphens."
  }
}

variable "topics" {
  description = "Topics by name: how long events are kept, who subscribes, who publishes."
  type = map(object({
    retention_seconds = optional(number, 604800)
    subscribers       = optional(list(string), [])
    publishers        = optional(list(string), [])
  }))

  validation {
    condition     = alltrue([for topic in values(var.topics) : topic.retention_seconds >= 60])
    error_message = "Events are kept for at least 60 seconds."
  }

  validation {
    condition     = alltrue([for topic in values(var.topics) : length(topic.publishers) > 0])
    error_message = "A topic without publishers would never have an event."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the bus, topics and queues; it must admit events.amazonaws.com and sns.amazonaws.com."
  type        = string
}

variable "visibility_timeout" {
  description = "Seconds that a subscriber has for a message before another one gets it."
  type        = number
  default     = 60
}

variable "max_receives" {
  description = "How often a message is delivered before it goes to the dead-letter queue."
  type        = number
  default     = 5

  validation {
    condition     = var.max_receives >= 1 && var.max_receives <= 1000
    error_message = "A message is delivered 1 to 1000 times."
  }
}

variable "alarm_actions" {
  description = "ARNs that are told when a dead-letter queue is not empty: the topic of alarms."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

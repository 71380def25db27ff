variable "name" {
  description = "Prefix of every name, and name of the dashboard: <app>-<environment>."
  type        = string
}

variable "app" {
  description = "Value of the dimension App of our agents' metrics."
  type        = string
}

variable "environment" {
  description = "Value of the dimension Environment of our agents' metrics."
  type        = string
}

variable "region" {
  description = "Region of the services; widgets name it, and so do the IAM roles."
  type        = string
}

variable "services" {
  description = "Services by name: their cluster, log group, and the ECS service of every version by the version's name."
  type = map(object({
    cluster   = string
    log_group = string
    versions  = map(string)
  }))

  validation {
    condition     = alltrue([for service in values(var.services) : length(service.versions) <= 5])
    error_message = "An alarm takes ten metrics: at most five versions of a service can stand side by side."
  }
}

variable "slos" {
  description = "Service level objectives by name: the service, percent of good requests, limits of latency and window in seconds."
  type = map(object({
    service      = string
    availability = optional(number)
    p95          = optional(number)
    p99          = optional(number)
    window       = optional(number, 2592000)
  }))
  default = {}

  validation {
    condition     = alltrue([for slo in values(var.slos) : contains(keys(var.services), slo.service)])
    error_message = "An SLO is for one of the services."
  }

  validation {
    condition = alltrue([
      for slo in values(var.slos) : slo.availability == null ? true : slo.availability > 0 && slo.availability < 100
    ])
    error_message = "Availability is a percentage above 0 and below 100."
  }
}

variable "alarm_emails" {
  description = "Addresses that get alarms, once their owners have confirmed."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "Key that encrypts alarms and exported logs; it must admit cloudwatch.amazonaws.com and logs.<region>.amazonaws.com."
  type        = string
}

variable "metric_namespace" {
  description = "Namespace of our agents' metrics Requests, Errors and Latency (milliseconds)."
  type        = string
  default     = "Fairway"
}

variable "minimum_requests" {
  description = "Requests within a window below which failures are no evidence."
  type        = number
  default     = 20
}

variable "cpu_percent" {
  description = "CPU use of a service's tasks that raises an alarm."
  type        = number
  default     = 90
}

variable "memory_percent" {
  description = "Memory use of a service's tasks that raises an alarm."
  type        = number
  default     = 90
}

variable "error_percent" {
  description = "Percent of failed requests to a version that raises an alarm."
  type        = number
  default     = 5
}

variable "log_retention_days" {
  description = "Days that the log of the export itself is kept."
  type        = number
  default     = 400
}

variable "export" {
  description = "Bucket to which the services' logs are exported, and prefix of the objects; null exports nothing."
  type = object({
    bucket_arn = string
    prefix     = optional(string, "logs/")
  })
  default = null
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

variable "name" {
  description = "Name of the budget and of the anomaly monitor: <app>-<environment>."
  type        = string
}

variable "monthly_limit" {
  description = "US dollars a month that the environment may cost; null has no budget."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_limit == null ? true : var.monthly_limit > 0
    error_message = "A budget is more than nothing."
  }
}

variable "tag" {
  description = "Tag of everything that the environment costs: the budget and the monitor look at nothing else."
  type = object({
    key   = string
    value = string
  })
}

variable "active_tags" {
  description = "Keys of tags to activate for billing. AWS refuses keys that no resource has had for a day, and does it in the payer account only."
  type        = set(string)
  default     = []
}

variable "emails" {
  description = "Addresses that are told of the budget and of anomalies; without one nobody is."
  type        = list(string)
  default     = []
}

variable "thresholds" {
  description = "When to tell: percent of the budget that is spent, or that the forecast for the month reaches."
  type = list(object({
    percent  = number
    forecast = optional(bool, false)
  }))
  default = [
    { percent = 50 },
    { percent = 80 },
    { percent = 100 },
    { percent = 100, forecast = true },
  ]

  validation {
    condition     = length(var.thresholds) <= 5
    error_message = "A budget has five notifications at most."
  }
}

variable "anomaly_usd" {
  description = "US dollars that an anomaly must cost to be told."
  type        = number
  default     = 20
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

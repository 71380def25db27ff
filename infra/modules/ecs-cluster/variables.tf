variable "name" {
  description = "Name of the cluster: <app>-<environment>."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the sessions and the logs of execute-command. Its policy admits CloudWatch Logs."
  type        = string
}

variable "log_retention" {
  description = "Days for which the logs of execute-command and of Container Insights are kept."
  type        = number
  default     = 400
}

variable "spot_percent" {
  description = "Percent of replicas on Fargate Spot, for what starts without a strategy of its own."
  type        = number
  default     = 0

  validation {
    condition     = var.spot_percent >= 0 && var.spot_percent <= 100
    error_message = "A percentage is 0 to 100."
  }
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

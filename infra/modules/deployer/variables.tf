variable "name" {
  description = "Prefix of all names of the environment, and the value of the tag `fairway` of what it has: <app>-<environment>."
  type        = string
}

variable "regions" {
  description = "Regions of the environment: nothing is made elsewhere, but what AWS keeps in one place for the world."
  type        = list(string)

  validation {
    condition     = length(var.regions) > 0
    error_message = "An environment is in one region at least."
  }
}

variable "operators" {
  description = "Names of further roles that deploy, after their paths if they have one: no deployment changes or hands on these, either."
  type        = list(string)
  default     = []
}

variable "passed_to_services" {
  description = "Services of AWS that roles of the environment may be given to."
  type        = list(string)
  default = [
    "backup.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "events.amazonaws.com",
    "firehose.amazonaws.com",
    "lambda.amazonaws.com",
    "logs.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "s3.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
  ]
}

variable "service_linked" {
  description = "Services of AWS that may get the roles that AWS has made for them, when the account has none yet."
  type        = list(string)
  default = [
    "backup.amazonaws.com",
    "delivery.logs.amazonaws.com",
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticache.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
    "wafv2.amazonaws.com",
  ]
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

variable "name" {
  description = "Name of what the roles are for: <app>-<environment>-<service>."
  type        = string
}

variable "region" {
  description = "Region in which the tasks run. IAM knows no regions, so it is a part of every name."
  type        = string
}

variable "role_names" {
  description = <<-EOT
    Names of the two roles and of their boundary, where others must know them beforehand: the policies of keys and
    secrets name the roles, whose policies name keys and secrets. Absent: <name>-task-<region>,
    <name>-execution-<region> and <name>-boundary-<region>, with a digest in place of the end beyond 64 characters.
  EOT
  type = object({
    task      = string
    execution = string
    boundary  = string
  })
  default = null

  validation {
    condition     = var.role_names == null || alltrue([for name in values(coalesce(var.role_names, {})) : length(name) <= 64])
    error_message = "The name of a role has 64 characters at most."
  }
}

variable "statements" {
  description = <<-EOT
    What the programs of the task may do. Actions are written out; a resource is named wherever AWS allows it.
    `conditions` are those of IAM: test, variable, values.
  EOT
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
    conditions = optional(list(object({
      test     = string
      variable = string
      values   = list(string)
    })), [])
  }))
  default = []

  validation {
    condition     = alltrue([for statement in var.statements : can(regex("^[A-Za-z0-9]+$", statement.sid)) && !startswith(statement.sid, "Execut")])
    error_message = "The sid of a statement has letters and digits only; Execution… and ExecuteCommand are the module's own."
  }

  validation {
    condition     = length(distinct(var.statements[*].sid)) == length(var.statements)
    error_message = "Two statements have the same sid."
  }

  validation {
    condition     = alltrue([for action in flatten(var.statements[*].actions) : can(regex("^[a-z0-9-]+:[A-Za-z0-9]+$", action))])
    error_message = "Write actions out (service:Action); a wildcard allows what nobody asked for."
  }

  # Service Authorization Reference: these know no resource.
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
  validation {
    condition = alltrue([
      for statement in var.statements :
      !contains(statement.resources, "*") || length(setsubtract(statement.actions, [
        "cloudwatch:PutMetricData",
        "xray:GetSamplingRules",
        "xray:GetSamplingStatisticSummaries",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
      ])) == 0
    ])
    error_message = "A statement allows everything (*) for an action whose resources can be named."
  }
}

variable "execution" {
  description = <<-EOT
    What ECS needs to start the tasks: the repositories of their images, their log groups, and the secrets that it
    hands to containers with the keys of these.
  EOT
  type = object({
    repository_arns = optional(list(string), [])
    log_group_arns  = optional(list(string), [])
    secret_arns     = optional(list(string), [])
    key_arns        = optional(list(string), [])
  })
  default = {}
}

variable "boundary_arn" {
  description = "Permissions boundary of both roles, which somebody else made and keeps; null makes one that is just what they may do."
  type        = string
  default     = null
}

variable "managed_policy_arns" {
  description = "Managed policies of the task role, by any name, for a program that deploys. With them it has no boundary: together they are larger than a boundary can be."
  type        = map(string)
  default     = {}
}

variable "execute_command" {
  description = <<-EOT
    Lets `aws ecs execute-command` open a shell in the containers: the cluster's key for such sessions and the log
    group of what is typed there. The key's policy admits the task role. Absent: no shell.
  EOT
  type = object({
    kms_key_arn   = string
    log_group_arn = string
  })
  default = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

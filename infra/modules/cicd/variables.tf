variable "name" {
  description = "Prefix of the roles' names, and of the names of roles that a deployment may manage: <app>-<environment>."
  type        = string
}

variable "repository" {
  description = "GitHub repository whose workflows may take on the roles: owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "A repository is written owner/name, without wildcards."
  }
}

variable "environments" {
  description = "GitHub environments whose jobs may deploy."
  type        = list(string)

  validation {
    condition     = length(var.environments) > 0 && alltrue([for e in var.environments : can(regex("^[A-Za-z0-9_.-]+$", e))])
    error_message = "At least one GitHub environment is named, without wildcards."
  }
}

variable "plan_environments" {
  description = "GitHub environments whose jobs may plan; none are the same as those that may deploy."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for e in var.plan_environments : can(regex("^[A-Za-z0-9_.-]+$", e))])
    error_message = "GitHub environments are named without wildcards."
  }
}

variable "create_provider" {
  description = "Whether to make the OIDC provider of GitHub; an account has one, so false where it exists."
  type        = bool
  default     = true
}

variable "state" {
  description = "Bucket and key of Terraform's state, and Fairway's tables, which a plan may read."
  type = object({
    bucket_arn  = string
    kms_key_arn = string
    table_arns  = list(string)
  })
}

variable "deploy_policy_arns" {
  description = "Managed policies of the role that deploys, by any name: those of the module `deployer`."
  type        = map(string)
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

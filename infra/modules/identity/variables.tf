variable "name" {
  description = "Name of the function, its role and its key: <app>-<environment>-identity."
  type        = string

  validation {
    condition     = length(var.name) <= 45
    error_message = "The name has 45 characters at most: the role's has the region as well."
  }
}

variable "region" {
  description = "Region of the function. IAM knows no regions, so it is a part of the role's name."
  type        = string
}

variable "services" {
  description = "Services that get certificates: one alias each, called as the service."
  type        = list(string)
}

variable "package" {
  description = "Path of the zip with the function's code."
  type        = string
}

variable "package_hash" {
  description = "SHA-256 of the zip in base64: a new one publishes a new version."
  type        = string
}

variable "code_signing_config_arn" {
  description = "Code signing configuration that the package must satisfy; absent: any package is taken."
  type        = string
  default     = null
}

variable "trust_domain" {
  description = "Trust domain of the SPIFFE identities: <app>.<environment>."
  type        = string
}

variable "authority" {
  description = "Where the authority's certificate is kept (PEM), and the key that encrypts it there."
  type = object({
    bucket      = string
    object      = optional(string, "identity/authority.pem")
    kms_key_arn = string
  })
}

variable "signers" {
  description = "ARNs of the roles besides the function's that may sign with the authority's key: whoever makes its certificate. They need not exist yet."
  type        = list(string)
  default     = []
}

variable "lifetime" {
  description = "Seconds for which a certificate is valid."
  type        = number
  default     = 86400

  validation {
    condition     = var.lifetime >= 600 && var.lifetime <= 86400
    error_message = "A certificate is valid for 10 minutes to 24 hours."
  }
}

variable "handler" {
  description = "Function in the package that Lambda calls."
  type        = string
  default     = "handler.handle"
}

variable "runtime" {
  description = "Runtime of the function."
  type        = string
  default     = "python3.13"
}

variable "concurrency" {
  description = "How many requests are signed at once; -1: as many as the account allows."
  type        = number
  default     = 20
}

variable "vpc" {
  description = "Where the function runs: private subnets with endpoints for KMS and S3, and its security groups."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
}

variable "dead_letter_arn" {
  description = "SQS queue for requests that were sent without waiting for the answer, and failed; absent: they are dropped, as agents wait."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "Key that encrypts the function's log and environment."
  type        = string
}

variable "log_retention" {
  description = "Days for which the log is kept."
  type        = number
  default     = 400
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role of the function; null gives it none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

variable "name" {
  description = "Name of the bucket; unique in all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the objects; null takes SSE-S3, which load balancers' access logs need."
  type        = string
  default     = null
}

variable "access_log" {
  description = "Name of the bucket that keeps the log of requests to this one; null keeps no log."
  type = object({
    bucket = string
    prefix = optional(string, "s3/")
  })
  default = null
}

variable "log_sources" {
  description = "Services of AWS that may write logs into the bucket: load-balancer, s3, flow-logs."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.log_sources, ["load-balancer", "s3", "flow-logs"])) == 0
    error_message = "Sources of logs are load-balancer, s3 and flow-logs."
  }
}

variable "policy_documents" {
  description = "Further bucket policies as JSON; they cannot take back what this module denies."
  type        = list(string)
  default     = []
}

variable "noncurrent_days" {
  description = "Days after which an overwritten or deleted version of an object is removed."
  type        = number
  default     = 90

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "Old versions are kept for at least one day."
  }
}

variable "noncurrent_versions" {
  description = "Number of old versions that are kept however old they are; null keeps none."
  type        = number
  default     = null
}

variable "infrequent_access_days" {
  description = "Days after which objects move to the class for infrequent access; null leaves them."
  type        = number
  default     = null

  validation {
    condition     = var.infrequent_access_days == null ? true : var.infrequent_access_days >= 30
    error_message = "S3 moves objects to infrequent access after 30 days at the earliest."
  }
}

variable "expiration_days" {
  description = "Days after which objects are deleted; null keeps them."
  type        = number
  default     = null

  validation {
    condition     = var.expiration_days == null ? true : var.expiration_days >= 1
    error_message = "Objects are kept for at least one day."
  }
}

variable "replication" {
  description = "Bucket (versioned, in another region) that gets a copy of every object, with its key."
  type = object({
    bucket_arn               = string
    kms_key_arn              = string
    permissions_boundary_arn = optional(string)
  })
  default = null
}

variable "force_destroy" {
  description = "Whether destroying the bucket deletes the objects that are still in it."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

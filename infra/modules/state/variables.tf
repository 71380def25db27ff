variable "name" {
  description = "Prefix of the table's name and of the names of the environment's roles: <app>-<environment>."
  type        = string
}

variable "bucket_name" {
  description = "Name of the bucket for Terraform's state; unique in all of AWS."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the state and the table."
  type        = string
}

variable "role_arns" {
  description = "ARNs of those roles of the environment that work with its state. They need not exist yet; no other role of the environment can."
  type        = list(string)
  default     = []
}

variable "access_log" {
  description = "Name of the bucket that keeps the log of requests for state; null keeps no log."
  type = object({
    bucket = string
    prefix = optional(string, "s3/")
  })
  default = null
}

variable "noncurrent_days" {
  description = "Days after which an old version of the state may be removed."
  type        = number
  default     = 365
}

variable "noncurrent_versions" {
  description = "Number of old versions of the state that are kept however old they are."
  type        = number
  default     = 20
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Whether destroying the bucket deletes the state that is still in it."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

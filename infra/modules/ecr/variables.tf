variable "repositories" {
  description = "Names of the repositories: <app>-<environment>/<service>."
  type        = list(string)

  validation {
    condition     = alltrue([for name in var.repositories : can(regex("^[a-z0-9][a-z0-9._/-]{1,255}$", name))])
    error_message = "A repository's name has small letters, digits and ._/- only."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the images."
  type        = string
}

variable "readers" {
  description = "ARNs of the roles that pull images. They need not exist yet."
  type        = list(string)
  default     = []
}

variable "writers" {
  description = "ARNs of the roles that push images. They need not exist yet."
  type        = list(string)
  default     = []
}

variable "replica_regions" {
  description = "Regions that get a copy of every image, under the same name."
  type        = list(string)
  default     = []
}

variable "keep" {
  description = "How many images of each repository are kept; the oldest go first."
  type        = number
  default     = 100

  validation {
    condition     = var.keep >= 10
    error_message = "Keep at least 10 images: a rollback needs those of earlier releases."
  }
}

variable "force_delete" {
  description = "Whether a repository may be deleted with the images in it."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

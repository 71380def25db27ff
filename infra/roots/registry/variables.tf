variable "app" {
  description = "Name of the app."
  type        = string
}

variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "name" {
  description = "Prefix of all names: <app>-<environment>, shortened to 32 characters."
  type        = string
}

variable "region" {
  description = "Region that leads: what the environment has once is here."
  type        = string
}

variable "account" {
  description = "Number of the account that the environment belongs to; work on any other is refused. Absent: that of the credentials."
  type        = string
  default     = null
}

variable "repositories" {
  description = "What has an image that is built: services, Fairway's sidecar and its server."
  type        = list(string)
}

variable "replica_regions" {
  description = "Regions that get a copy of every image: tasks pull from their own. For each there is a provider in providers.tf."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.replica_regions) <= 2
    error_message = "There are providers for two other regions: add one to providers.tf, and its copies to copies.tf."
  }
}

variable "writers" {
  description = "ARNs of further roles that push images, besides whoever has a permission for it in the account."
  type        = list(string)
  default     = []
}

variable "keep" {
  description = "How many images of each service are kept."
  type        = number
  default     = 100
}

variable "protect" {
  description = "Whether repositories with images refuse to be deleted. Set to false and apply before a destroy."
  type        = bool
  default     = true
}

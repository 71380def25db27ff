variable "name" {
  description = "Name of the table."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.name))
    error_message = "A table's name has 3 to 255 letters, digits, underscores, dots and hyphens."
  }
}

variable "hash_key" {
  description = "Partition key: its name and type (S, N or B)."
  type = object({
    name = string
    type = optional(string, "S")
  })
  default = { name = "pk" }

  validation {
    condition     = contains(["S", "N", "B"], var.hash_key.type)
    error_message = "A key is of type S, N or B."
  }
}

variable "range_key" {
  description = "Sort key: its name and type (S, N or B); null has none."
  type = object({
    name = string
    type = optional(string, "S")
  })
  default = null

  validation {
    condition     = var.range_key == null ? true : contains(["S", "N", "B"], var.range_key.type)
    error_message = "A key is of type S, N or B."
  }
}

variable "index_attributes" {
  description = "Types (S, N or B) of the attributes that only indexes use, by name."
  type        = map(string)
  default     = {}
}

variable "indexes" {
  description = "Global secondary indexes by name; `attributes` null projects all of them."
  type = map(object({
    hash_key   = string
    range_key  = optional(string)
    attributes = optional(list(string))
  }))
  default = {}
}

variable "ttl_attribute" {
  description = "Attribute with the Unix time at which an item may be removed; null keeps items."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "Key that encrypts the table."
  type        = string
}

variable "stream" {
  description = "Whether changes can be read as a stream. Always so for a table with replicas."
  type        = bool
  default     = false
}

variable "replicas" {
  description = "Regions with a replica, and the key there that encrypts it."
  type        = map(object({ kms_key_arn = string }))
  default     = {}
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

variable "name" {
  description = "Name of the analyzers: <app>-<environment>."
  type        = string
}

variable "unused_access_age" {
  description = "Days after which a permission that nobody used is reported; absent: unused permissions are not looked for (AWS charges for each role that is looked at)."
  type        = number
  default     = null

  validation {
    condition     = var.unused_access_age == null || (coalesce(var.unused_access_age, 0) >= 1 && coalesce(var.unused_access_age, 0) <= 365)
    error_message = "The age is 1 to 365 days."
  }
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

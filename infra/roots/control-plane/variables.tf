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

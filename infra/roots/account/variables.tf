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

variable "other_regions" {
  description = "Further regions of the environment."
  type        = list(string)
  default     = []
}

variable "repository" {
  description = "GitHub repository (owner/name) whose workflows may deploy here; absent: none."
  type        = string
  default     = null
}

variable "operators" {
  description = "Names of further roles that deploy: a control plane elsewhere."
  type        = list(string)
  default     = []
}

variable "budget" {
  description = "What the environment may cost, in US dollars a month; absent: nobody is warned."
  type        = number
  default     = null
}

variable "alarm_emails" {
  description = "Who is warned of costs."
  type        = list(string)
  default     = []
}

variable "protect" {
  description = "Whether state refuses to be deleted. Set to false and apply before a destroy."
  type        = bool
  default     = true
}

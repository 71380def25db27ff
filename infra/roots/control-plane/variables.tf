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

variable "domain" {
  description = "Name that the server answers to, inside its network."
  type        = string
  default     = null
}

variable "hosted_zone" {
  description = "Route 53 zone that proves the name; absent: the parent domain of the environment's domain."
  type        = string
  default     = null
}

variable "cidr" {
  description = "Addresses of the server's own network. It has no way into the environment's."
  type        = string
  default     = "10.255.240.0/20"
}

variable "fairway_version" {
  description = "Version of Fairway, by which the registry of the environment has the image of its server."
  type        = string
}

variable "image" {
  description = "Image of `fairway server`; absent: from the registry of the environment, by its version."
  type        = string
  default     = null
}

variable "replicas" {
  description = "Servers; they share the work, and each goes on with what another has begun."
  type        = number
  default     = 2
}

variable "instance_class" {
  description = "Instance class of the server's database."
  type        = string
  default     = "db.t4g.small"
}

variable "protect" {
  description = "Whether releases and their history survive: the database refuses to be deleted. Set to false and apply before a destroy."
  type        = bool
  default     = true
}

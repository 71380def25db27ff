variable "name" {
  description = "What the names of the secrets begin with: <app>-<environment>/<service>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]+[^/]$", var.name))
    error_message = "The name has letters, digits and /_+=.@- only, and does not end with /."
  }
}

variable "region" {
  description = "Region of the secrets. IAM knows no regions, so it is a part of the rotation role's name."
  type        = string
}

variable "secrets" {
  description = <<-EOT
    Secrets by name. Terraform makes them empty and never knows their values: `fairway secrets set` sets them.
    `rotate` is the kind of a value that is renewed by itself: random (a key) or postgres (the password of a role, as
    JSON with engine, host, port, dbname, username and password). Absent: it is renewed by whoever set it.
  EOT
  type = map(object({
    description = string
    rotate      = optional(string)
  }))

  validation {
    condition     = alltrue([for secret in values(var.secrets) : contains(["none", "random", "postgres"], coalesce(secret.rotate, "none"))])
    error_message = "What is rotated is random or postgres."
  }

  validation {
    condition     = var.rotation != null || alltrue([for secret in values(var.secrets) : secret.rotate == null])
    error_message = "A secret is to be rotated, but rotation does not say by which function."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the secrets."
  type        = string
}

variable "reader_role_arns" {
  description = "ARNs of the roles that read the secrets; nobody else can. They need not exist yet."
  type        = list(string)

  validation {
    condition     = length(var.reader_role_arns) > 0
    error_message = "A secret that nobody reads is not needed."
  }
}

variable "writer_role_arns" {
  description = "ARNs of the roles that set the secrets. They need not exist yet. Empty: whoever has a permission for it in the account."
  type        = list(string)
  default     = []
}

variable "rotation" {
  description = <<-EOT
    The function that rotates: the path of the zip of rotation/ and its SHA-256 in base64, and where it runs:
    subnets from which the databases and the endpoints of Secrets Manager and KMS are reached. `ca_file` has the
    authorities that vouch for databases: those that Lambda's Python knows, or a file that you put into the zip
    (/var/task/<file>). `kms_key_arn` encrypts its log and its variables. `role_name` is for where others must know the
    name of its role beforehand, `alarm_actions` are told when a rotation fails, and `dead_letter_arn` is a queue for
    what others than Secrets Manager ask of it without waiting.
  EOT
  type = object({
    package                 = string
    package_hash            = string
    subnet_ids              = list(string)
    security_group_ids      = list(string)
    ca_file                 = optional(string, "/etc/pki/tls/cert.pem")
    code_signing_config_arn = optional(string)
    kms_key_arn             = string
    role_name               = optional(string)
    dead_letter_arn         = optional(string)
    alarm_actions           = optional(list(string), [])
    log_retention           = optional(number, 400)
  })
  default = null
}

variable "rotation_days" {
  description = "Days after which a secret is rotated."
  type        = number
  default     = 30

  validation {
    condition     = var.rotation_days >= 1 && var.rotation_days <= 90
    error_message = "Rotate after 1 to 90 days."
  }
}

variable "recovery_days" {
  description = "Days for which a deletion can be taken back; 0: it is final at once."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "Secrets Manager waits 7 to 30 days, or not at all (0)."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role of the function that renews; null gives it none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

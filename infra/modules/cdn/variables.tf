variable "name" {
  description = "Prefix of all names: <app>-<environment>."
  type        = string
  nullable    = false
}

variable "services" {
  description = "Static sites by service: their buckets, their hosts, the folder of the version that is shown (/v3), and whether every path is answered by index.html, as applications of a single page want."
  type = map(object({
    bucket          = string
    hosts           = list(string)
    certificate_arn = string
    folder          = optional(string, "")
    single_page     = optional(bool, false)
    content_policy  = optional(string, "default-src 'self'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'")
  }))
  nullable = false

  validation {
    condition     = alltrue([for site in var.services : length(site.hosts) >= 1])
    error_message = "A site needs at least one host."
  }

  validation {
    condition     = alltrue([for site in var.services : can(regex("^arn:[a-z-]+:acm:us-east-1:", site.certificate_arn))])
    error_message = "CloudFront takes certificates of us-east-1 only."
  }

  validation {
    condition     = alltrue([for site in var.services : site.folder == "" || can(regex("^/.*[^/]$", site.folder))])
    error_message = "A folder starts with / and does not end with it."
  }
}

variable "kms_key_arn" {
  description = "Key of the buckets and of the firewall's log, in us-east-1. Its policy must let cloudfront.amazonaws.com decrypt, and logs.us-east-1.amazonaws.com use it."
  type        = string
  nullable    = false
}

variable "access_log_bucket" {
  description = "Bucket of access logs; in us-east-1. It must admit delivery.logs.amazonaws.com and logging.s3.amazonaws.com."
  type        = string
  nullable    = false
}

variable "blocked_countries" {
  description = "Two-letter codes of countries that are turned away."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "price_class" {
  description = "Which of CloudFront's locations are used: PriceClass_100 (Europe and North America), PriceClass_200 or PriceClass_All."
  type        = string
  default     = "PriceClass_100"
  nullable    = false

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "The price class is PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "waf_rate_limit" {
  description = "Requests that one address may send in five minutes; more are blocked."
  type        = number
  default     = 10000
  nullable    = false
}

variable "waf_log_retention" {
  description = "Days that the firewall's log is kept."
  type        = number
  default     = 400
  nullable    = false
}

variable "force_destroy" {
  description = "Whether destroying a site deletes its files."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags of every resource, besides the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

# What differs between environments and regions. The values are in *.auto.tfvars; a default here is that of the app
# file, so a value that is missing there was not chosen by anybody.

# --- Which environment, and where ---------------------------------------------------------------------------------

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

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.name))
    error_message = "The name starts with a small letter; small letters, digits and hyphens follow, 32 characters at most."
  }
}

variable "region" {
  description = "Region of everything here."
  type        = string
}

variable "role" {
  description = "What DNS makes of this region: it answers (primary), it answers when the primary does not (secondary), or it does not (spare)."
  type        = string
  default     = "primary"

  validation {
    condition     = contains(["primary", "secondary", "spare"], var.role)
    error_message = "The role is primary, secondary or spare."
  }
}

variable "lead_region" {
  description = "Region that leads, if it is another one: state, images and what is not regional are there."
  type        = string
  default     = null
}

variable "second_region" {
  description = "Region that answers when this one does not, and gets copies of its backups; absent: none."
  type        = string
  default     = null
}

variable "account" {
  description = "Number of the account that the environment belongs to; work on any other is refused. Absent: that of the credentials."
  type        = string
  default     = null
}

variable "network" {
  description = "Addresses, number of availability zones, and ways out to the internet (per-zone, single or none)."
  type = object({
    cidr  = string
    zones = optional(number, 3)
    nat   = optional(string, "per-zone")
  })
}

# --- What runs ----------------------------------------------------------------------------------------------------

variable "services" {
  description = <<-EOT
    What runs, by name. `cpu` (1024 are one vCPU) and `memory` (MiB) are those of a whole task. `library`: it uses
    fairway-runtime. `public`: requests from outside reach it. Without `mesh` it has no sidecar, and a load balancer divides its requests among
    `target_groups`, by slot. Times are in seconds, `requests` are per second and replica, `queue` counts events
    that wait for each replica. A version without an image is pulled from the registry by its name.
  EOT
  type = map(object({
    kind          = optional(string, "service")
    library       = optional(bool, false)
    public        = optional(bool, false)
    mesh          = optional(bool, true)
    port          = optional(number, 8080)
    protocol      = optional(string, "HTTP1")
    cpu           = number
    memory        = number
    stop_timeout  = optional(number, 10)
    calls         = optional(list(string), [])
    stores        = optional(list(string), [])
    subscribes    = optional(list(string), [])
    publishes     = optional(list(string), [])
    secrets       = optional(list(string), [])
    target_groups = optional(map(string), {})
    health = optional(object({
      path      = optional(string)
      interval  = optional(number, 2)
      timeout   = optional(number, 1)
      healthy   = optional(number, 1)
      unhealthy = optional(number, 3)
      start     = optional(number, 60)
    }), {})
    scale = optional(object({
      min      = number
      max      = number
      cpu      = optional(number)
      memory   = optional(number)
      requests = optional(number)
      queue    = optional(number)
      schedule = optional(list(object({
        name     = string
        cron     = string
        timezone = optional(string, "UTC")
        min      = number
        max      = number
      })), [])
    }))
    versions = map(object({
      image       = optional(string)
      replicas    = optional(number, 1)
      slot        = optional(string, "a")
      command     = optional(list(string))
      environment = optional(map(string), {})
      secrets     = optional(list(string))
      has_config  = optional(bool, false)
      port        = optional(number)
      cpu         = optional(number)
      memory      = optional(number)
    }))
  }))

  validation {
    condition     = alltrue(flatten([for it in values(var.services) : [for callee in it.calls : contains(keys(var.services), callee)]]))
    error_message = "A service calls one that is not among the services."
  }
}

variable "rotation" {
  description = "Secrets that are renewed by themselves, by name: random (a key) or postgres (the password of a role). Each has one reader."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for secret in keys(var.rotation) : length([for it in values(var.services) : it if contains(it.secrets, secret)]) <= 1])
    error_message = "A secret that is rotated is read by several services: each would get another value."
  }
}

variable "rotation_days" {
  description = "Days after which secrets are renewed that renew themselves."
  type        = number
  default     = 30
}

variable "grants" {
  description = "Permissions of each service's role, by service; `resource` names a thing of this root, see `arns` in access.tf."
  type = map(list(object({
    sid      = string
    actions  = list(string)
    resource = object({ kind = string, name = string })
    conditions = optional(list(object({
      test     = string
      variable = string
      values   = list(string)
    })), [])
  })))
  default = {}
}

variable "deciders" {
  description = "ARNs of roles that ask the function of governance for decisions, by any name: of programs outside the environment."
  type        = map(string)
  default     = {}
}

variable "starting_grants" {
  description = "What ECS may do to start the tasks of each service, by service; like `grants`."
  type = map(list(object({
    sid      = string
    actions  = list(string)
    resource = object({ kind = string, name = string })
    conditions = optional(list(object({
      test     = string
      variable = string
      values   = list(string)
    })), [])
  })))
  default = {}
}

variable "fairway_version" {
  description = "Version of Fairway, by which the registry of the environment has the image of the sidecar."
  type        = string
}

variable "images" {
  description = "Images of Fairway's own: the sidecar (Envoy with its agent; absent: from the registry of the environment, by its version) and the collector of traces."
  type = object({
    sidecar   = optional(string)
    collector = optional(string, "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3")
  })
  default = {}
}

variable "spot_percent" {
  description = "Percent of replicas on capacity that AWS may take back."
  type        = number
  default     = 0
}

variable "traces" {
  description = "Whether a collector for traces and metrics runs in every task."
  type        = bool
  default     = true
}

variable "otlp" {
  description = "An OTLP/HTTP endpoint that gets all traces as well; absent: only X-Ray."
  type        = string
  default     = null
}

# --- Data ---------------------------------------------------------------------------------------------------------

variable "databases" {
  description = "PostgreSQL databases, by name. `replica_of` makes one a copy of that in the named region, which can only be read and is `replicated`."
  type = map(object({
    engine_version = optional(string)
    instance_class = optional(string, "db.t4g.small")
    storage_gib    = optional(number, 20)
    multi_az       = optional(bool, true)
    backup_days    = optional(number, 14)
    replicated     = optional(bool, false)
    replica_of     = optional(string)
  }))
  default = {}
}

variable "caches" {
  description = "Valkey caches, by name."
  type = map(object({
    engine_version = optional(string, "8.0")
    node_type      = optional(string, "cache.t4g.small")
    multi_az       = optional(bool, true)
  }))
  default = {}
}

variable "buckets" {
  description = "Buckets, by name: nothing of them is to be chosen."
  type        = map(object({}))
  default     = {}
}

variable "tables" {
  description = "DynamoDB tables, by name: nothing of them is to be chosen."
  type        = map(object({}))
  default     = {}
}

variable "topics" {
  description = "Streams of events, by name."
  type = map(object({
    retention_seconds = optional(number, 604800)
    publishers        = optional(list(string), [])
    subscribers       = optional(list(string), [])
  }))
  default = {}
}

variable "copy_backups" {
  description = "Whether backups are copied to the second region."
  type        = bool
  default     = true
}

# --- The public side ----------------------------------------------------------------------------------------------

variable "domain" {
  description = "Name that the public services answer to; needed as soon as there is one."
  type        = string
  default     = null
}

variable "hosted_zone" {
  description = "Route 53 zone of the domain; absent: its parent domain."
  type        = string
  default     = null
}

variable "health_path" {
  description = "Public path that Route 53 asks whether the region is healthy: it answers 2xx or 3xx."
  type        = string
  default     = "/"
}

variable "public_load_balancer" {
  description = "Name of the load balancer that the internet reaches, 32 characters at most; absent: nothing that runs is public."
  type        = string
  default     = null

  validation {
    condition     = var.public_load_balancer == null || var.domain != null
    error_message = "Public services need a domain: nothing is served to the public without TLS."
  }
}

variable "gateway" {
  description = "The Envoys that open the public routes: the name of their target group, 32 characters at most, how many and how large. Absent: no service in the mesh is public."
  type = object({
    target_group = string
    replicas     = optional(number, 2)
    max_replicas = optional(number, 10)
    cpu          = optional(number, 512)
    memory       = optional(number, 1024)
  })
  default = null
}

variable "sites" {
  description = "Static sites, by name: the hosts they answer to, each the domain or one label below it, and the folder of the version that is shown."
  type = map(object({
    hosts  = list(string)
    folder = optional(string, "")
  }))
  default = {}
}

variable "rules" {
  description = "Services outside the mesh, by name: their public paths, and percent of requests by slot when the rule is made. A deployment shifts them later."
  type = map(object({
    public = optional(list(object({
      path = string
      host = optional(string)
    })), [])
    weights = map(number)
  }))
  default = {}
}

variable "internal_load_balancer" {
  description = "Name of the load balancer for calls to services outside the mesh; absent: nobody calls them."
  type        = string
  default     = null

  validation {
    condition     = var.internal_load_balancer == null || var.domain != null
    error_message = "Calls through a load balancer need a domain, for its certificate."
  }
}

variable "waf" {
  description = "Whether a firewall for web applications stands before the public services."
  type        = bool
  default     = true
}

# --- Watching -----------------------------------------------------------------------------------------------------

variable "log_retention" {
  description = "Days for which logs are kept."
  type        = number
  default     = 400
}

variable "slos" {
  description = "Service level objectives, by name: availability in percent, latencies in seconds."
  type = map(object({
    service      = string
    intent       = optional(string)
    availability = optional(number)
    p95          = optional(number)
    p99          = optional(number)
    window_days  = optional(number, 30)
  }))
  default = {}
}

variable "alarm_emails" {
  description = "Who gets alarms."
  type        = list(string)
  default     = []
}

# --- Operation ----------------------------------------------------------------------------------------------------

variable "protect" {
  description = "Whether data survives: stores, buckets and load balancers refuse to be deleted. Set to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "operators" {
  description = "Names of the roles that set secrets and sign the certificate of the mesh's authority: the control plane's, and whose you add."
  type        = list(string)
  default     = []
}

variable "packages" {
  description = "Folder with the code of the Lambda functions, zipped."
  type        = string
  default     = "../../packages"
}

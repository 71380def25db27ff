variable "name" {
  description = "Name of the service in the app file. ECS and Cloud Map know its versions as <name>-<version>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.name))
    error_message = "The name starts with a small letter; small letters, digits and hyphens follow, 63 characters at most."
  }
}

variable "full_name" {
  description = "Name that is unique in the region, <app>-<environment>-<service>: of the task definitions and the log group."
  type        = string
}

variable "kind" {
  description = "What runs: a service that is called, a worker that nobody calls, or a job that ends by itself and has no ECS service."
  type        = string
  default     = "service"

  validation {
    condition     = contains(["service", "worker", "job"], var.kind)
    error_message = "The kind is service, worker or job."
  }
}

variable "cluster_arn" {
  description = "ARN of the ECS cluster."
  type        = string
}

variable "cluster_name" {
  description = "Name of the ECS cluster."
  type        = string
}

variable "region" {
  description = "Region whose CloudWatch gets the logs."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks, one in each zone."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the tasks."
  type        = list(string)
}

variable "execution_role_arn" {
  description = "Role by which ECS pulls images, writes logs and reads the secrets that it hands to containers."
  type        = string
}

variable "task_role_arn" {
  description = "Role of the programs in the task."
  type        = string
}

variable "versions" {
  description = <<-EOT
    The versions that run side by side, by name; a version named "" has the name of the service alone. One without an
    image has no container of its own but the sidecar alone, as the gateway. `replicas` counts only when the version
    is created; afterwards autoscaling and the deployment own the number. `secrets` are ARNs by the name of the
    environment variable. A change of `config_hash` starts the tasks anew. `port`, `cpu` and `memory` replace the
    module's own, so that a version keeps its size while the next one is rolled out.
  EOT
  type = map(object({
    image       = optional(string)
    replicas    = optional(number, 1)
    slot        = optional(string, "a")
    command     = optional(list(string))
    environment = optional(map(string), {})
    secrets     = optional(map(string), {})
    config_hash = optional(string, "")
    port        = optional(number)
    cpu         = optional(number)
    memory      = optional(number)
  }))

  validation {
    condition     = alltrue([for version in values(var.versions) : version.replicas >= 0])
    error_message = "A version has no less than 0 replicas."
  }

  validation {
    condition     = var.sidecar != null || alltrue([for version in values(var.versions) : version.image != null])
    error_message = "A version without an image needs a sidecar: nothing would run."
  }
}

variable "port" {
  description = "Port on which the app listens, or the gateway's listener; absent: nobody connects to it."
  type        = number
  default     = null

  validation {
    condition     = var.kind != "service" || var.port != null
    error_message = "A service needs a port; a worker or a job does not."
  }
}

variable "cpu" {
  description = "CPU units of a whole task with its sidecar and collector; 1024 are one core."
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "Fargate has tasks of 256, 512, 1024, 2048, 4096, 8192 and 16384 CPU units."
  }
}

variable "memory" {
  description = "Memory in MiB of a whole task with its sidecar and collector."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory >= 512 && var.memory <= 122880
    error_message = "Fargate has tasks of 512 to 122880 MiB, in steps that depend on the CPU units."
  }
}

variable "architecture" {
  description = "Processor architecture of the images."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "The architecture is X86_64 or ARM64."
  }
}

variable "user" {
  description = "User and group as whom the containers run, by number."
  type        = string
  default     = "1000:1000"

  validation {
    condition     = can(regex("^[1-9][0-9]*:[0-9]+$", var.user))
    error_message = "Write user:group in numbers; the user is not root (0)."
  }
}

variable "health" {
  description = <<-EOT
    How to know that a replica works; times in seconds. `path` answers 2xx. `command` replaces the request to it
    inside the container, and [] leaves the container unchecked. Without a sidecar and a `command` the container has
    no check of its own: the load balancer's decides, and a path needs nothing in the image.
  EOT
  type = object({
    path      = optional(string)
    command   = optional(list(string))
    interval  = optional(number, 10)
    timeout   = optional(number, 5)
    healthy   = optional(number, 2)
    unhealthy = optional(number, 3)
    start     = optional(number, 60)
  })
  default = {}
}

variable "stop_timeout" {
  description = "Seconds between SIGTERM and SIGKILL."
  type        = number
  default     = 30

  validation {
    condition     = var.stop_timeout >= 2 && var.stop_timeout <= 120
    error_message = "Fargate waits 2 to 120 seconds."
  }
}

variable "tmp_mib" {
  description = "Size in MiB of /tmp, which is taken from the memory of the task."
  type        = number
  default     = 64
}

variable "sidecar" {
  description = <<-EOT
    The Envoy beside every task: an image with Envoy and the agent that fetches its files. Its Dockerfile declares
    VOLUME /fairway, owned by `user`: this is what makes the shared volume writable to it. Absent: outside the mesh.
  EOT
  type = object({
    image       = string
    port        = optional(number, 15006)
    cpu         = optional(number, 64)
    memory      = optional(number, 192)
    environment = optional(map(string), {})
    ready       = optional(list(string), ["CMD", "fairway-agent", "ready"])
  })
  default = null
}

variable "collector" {
  description = "The ADOT collector beside every task, with its configuration as YAML. Absent: no traces."
  type = object({
    image  = string
    config = string
    cpu    = optional(number, 32)
    memory = optional(number, 128)
  })
  default = null
}

variable "log_retention" {
  description = "Days for which logs are kept."
  type        = number
  default     = 400
}

variable "log_buffer" {
  description = "How much of its log a container holds while CloudWatch does not take it; more is dropped, because a service must not wait for its log."
  type        = string
  default     = "4m"
}

variable "kms_key_arn" {
  description = "Key that encrypts the logs."
  type        = string
}

variable "discovery" {
  description = "Cloud Map namespace in which every version gets a name of its own. Absent: nobody looks it up."
  type = object({
    namespace_id = string
    ttl          = optional(number, 10)
  })
  default = null
}

variable "load_balancer" {
  description = <<-EOT
    The target groups by slot, from module target-groups: a version registers with the group of its slot.
    `health_port` is a port of the sidecar at which the load balancer asks, if it is not the one of the requests.
  EOT
  type = object({
    groups = map(object({
      arn        = string
      arn_suffix = string
    }))
    health_port = optional(number)
  })
  default = null

  validation {
    condition     = var.load_balancer == null || alltrue([for version in values(var.versions) : contains(keys(try(var.load_balancer.groups, {})), version.slot)])
    error_message = "Every version's slot is one of the load balancer's."
  }
}

variable "load_balancer_arn_suffix" {
  description = "Last part of the load balancer's ARN (app/name/id), for autoscaling by requests."
  type        = string
  default     = null
}

variable "listener_rule_arns" {
  description = "Rules that forward to the target groups. The ECS services wait for them: ECS refuses a target group that no load balancer uses yet."
  type        = list(string)
  default     = []
}

variable "scaling" {
  description = <<-EOT
    How the replicas of each version follow load. `cpu` and `memory` are percent of the task's, `requests` are
    requests a second for each replica, `queue_depth` messages that wait for each replica, and `schedule` moves the
    bounds at given times. Absent: the number stays as it is.
  EOT
  type = object({
    min      = number
    max      = number
    cpu      = optional(number)
    memory   = optional(number)
    requests = optional(number)
    queue_depth = optional(object({
      queue_name  = string
      per_replica = number
    }))
    schedule = optional(list(object({
      name     = string
      cron     = string
      timezone = optional(string, "UTC")
      min      = number
      max      = number
    })), [])
  })
  default = null

  validation {
    condition     = var.scaling == null || try(var.scaling.min <= var.scaling.max, false)
    error_message = "The least number of replicas is not above the greatest."
  }

  validation {
    condition     = try(var.scaling.requests, null) == null || var.load_balancer != null || var.request_metric != null
    error_message = "Scaling by requests needs a load balancer or a request_metric that counts them."
  }
}

variable "request_metric" {
  description = "CloudWatch metric that counts the requests of a version, with the dimensions Service and Version beside those named here: for scaling by requests where no load balancer counts them."
  type = object({
    namespace  = string
    name       = string
    dimensions = optional(map(string), {})
  })
  default = null
}

variable "spot_percent" {
  description = "Percent of replicas on Fargate Spot, which AWS may take back within two minutes. The first replica is never among them."
  type        = number
  default     = 0

  validation {
    condition     = var.spot_percent >= 0 && var.spot_percent <= 100
    error_message = "A percentage is 0 to 100."
  }
}

variable "circuit_breaker" {
  description = "Whether ECS gives up a deployment whose tasks keep failing, and goes back. Off for what cannot be healthy before somebody else has done something."
  type        = bool
  default     = true
}

variable "enable_execute_command" {
  description = "Whether `aws ecs execute-command` may open a shell in a container."
  type        = bool
  default     = false
}

variable "wait_for_steady_state" {
  description = "Whether an apply ends only when all replicas are up."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

# What runs in a task: the app, its sidecar and, if there is one, the collector. The sidecar starts first and stops
# last: the app waits until it is healthy, and ECS stops containers in the opposite order.

locals {
  ports = { for version, it in var.versions : version => it.port == null ? var.port : it.port }

  families = { for version in keys(var.versions) : version => version == "" ? var.full_name : "${var.full_name}-${version}" }

  # What the app has of the task: all that the others do not take.
  cpu    = { for version, it in var.versions : version => coalesce(it.cpu, var.cpu) }
  memory = { for version, it in var.versions : version => coalesce(it.memory, var.memory) }
  others = {
    cpu    = try(var.sidecar.cpu, 0) + try(var.collector.cpu, 0)
    memory = try(var.sidecar.memory, 0) + try(var.collector.memory, 0)
  }

  # Within the bounds that ECS sets.
  health = {
    interval = min(300, max(5, ceil(var.health.interval)))
    timeout  = min(60, max(2, ceil(var.health.timeout)))
    retries  = min(10, max(1, var.health.unhealthy))
    start    = min(300, max(0, ceil(var.health.start)))
  }

  # Streams are named <version>/<container>/<task>.
  logging = {
    for version in keys(var.versions) : version => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = var.region
        awslogs-stream-prefix = coalesce(version, var.name)
        mode                  = "non-blocking"
        max-buffer-size       = var.log_buffer
      }
    }
  }

  # The agent behind `execute-command` writes to two folders; everything else is read-only. Fargate has tmpfs since
  # January 2026: https://aws.amazon.com/about-aws/whats-new/2026/01/amazon-ecs-tmpfs-mounts-aws-fargate-managed-instances/
  writable = concat(
    [{ containerPath = "/tmp", size = var.tmp_mib, mountOptions = ["mode=1777", "nosuid", "nodev"] }],
    [
      for path in var.enable_execute_command ? ["/var/lib/amazon", "/var/log/amazon"] : [] :
      { containerPath = path, size = 32, mountOptions = ["mode=0755", "nosuid", "nodev"] }
    ],
  )

  confined = {
    user                   = var.user
    privileged             = false
    readonlyRootFilesystem = true
    stopTimeout            = var.stop_timeout
    ulimits                = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { drop = ["ALL"] }
      tmpfs              = local.writable
    }
  }

  probe = {
    for version, port in local.ports : version => (
      var.health.command != null ? var.health.command :
      var.health.path == null || port == null ? [] :
      var.sidecar == null ? [] :
      ["CMD", local.client, "wget", "-q", "-O", "/dev/null", "-Y", "off", "http://127.0.0.1:${coalesce(port, 0)}${var.health.path}"]
    )
  }

  # An image needs neither a shell nor a client of HTTP: the agent puts this static one into the shared volume before
  # the sidecar is healthy, and so before the app starts. BusyBox goes by the name under which it is called.
  # No `-T`: Debian's build of it crashes with it, and ECS ends a check that takes longer than its timeout. No proxy:
  # the app's own variables may name one.
  client = "/fairway/bin/busybox"

  app = {
    for version, it in var.versions : version => it.image == null ? null : merge(local.confined, {
      name             = "app"
      image            = it.image
      essential        = true
      command          = it.command
      cpu              = local.cpu[version] - local.others.cpu
      memory           = local.memory[version] - local.others.memory
      logConfiguration = local.logging[version]
      dockerLabels     = { "fairway.config" = it.config_hash }

      portMappings = [for port in local.ports[version][*] : { containerPort = port, hostPort = port, protocol = "tcp" }]
      environment = [
        for name, value in merge(local.ports[version] == null ? {} : { PORT = tostring(local.ports[version]) }, it.environment) :
        { name = name, value = value }
      ]
      secrets     = [for name, arn in it.secrets : { name = name, valueFrom = arn }]
      mountPoints = [for volume in local.volumes : { sourceVolume = volume, containerPath = "/${volume}", readOnly = true }]
      dependsOn   = [for _ in var.sidecar[*] : { containerName = "envoy", condition = "HEALTHY" }]

      healthCheck = length(local.probe[version]) == 0 ? null : merge(
        { command = local.probe[version], startPeriod = local.health.start },
        { for name in ["interval", "timeout", "retries"] : name => local.health[name] },
      )
    })
  }

  envoy = {
    for version, it in var.versions : version => var.sidecar == null ? null : merge(local.confined, {
      name             = "envoy"
      image            = var.sidecar.image
      essential        = true
      cpu              = it.image == null ? local.cpu[version] - try(var.collector.cpu, 0) : var.sidecar.cpu
      memory           = it.image == null ? local.memory[version] - try(var.collector.memory, 0) : var.sidecar.memory
      logConfiguration = local.logging[version]

      portMappings = [
        for port in concat(it.image == null ? local.ports[version][*] : [var.sidecar.port], try(var.load_balancer.health_port, null)[*]) :
        { containerPort = port, hostPort = port, protocol = "tcp" }
      ]
      environment = [
        for name, value in merge(var.sidecar.environment, { FAIRWAY_SERVICE = var.name, FAIRWAY_VERSION = version }) :
        { name = name, value = value }
      ]
      mountPoints = [for volume in local.volumes : { sourceVolume = volume, containerPath = "/${volume}", readOnly = false }]
      healthCheck = {
        command     = var.sidecar.ready
        interval    = 5
        timeout     = 3
        retries     = 3
        startPeriod = it.image == null ? local.health.start : 60
      }
    })
  }

  otel = {
    for version in keys(var.versions) : version => var.collector == null ? null : merge(local.confined, {
      name             = "otel"
      image            = var.collector.image
      essential        = false
      restartPolicy    = { enabled = true }
      cpu              = var.collector.cpu
      memory           = var.collector.memory
      logConfiguration = local.logging[version]
      environment      = [{ name = "AOT_CONFIG_CONTENT", value = var.collector.config }]
      healthCheck      = { command = ["CMD", "/healthcheck"], interval = 10, timeout = 5, retries = 3, startPeriod = 10 }
    })
  }

  # What the agent writes and the app reads: identity, policies, keys, flags, configuration.
  volumes = var.sidecar == null ? [] : ["fairway"]

  containers = {
    for version in keys(var.versions) : version => [
      for container in [local.app[version], local.envoy[version], local.otel[version]] :
      { for name, value in container : name => value if value != null } if container != null
    ]
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each = var.versions

  family                   = local.families[each.key]
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = local.cpu[each.key]
  memory                   = local.memory[each.key]
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = var.task_role_arn
  container_definitions    = jsonencode(local.containers[each.key])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  dynamic "volume" {
    for_each = local.volumes

    content {
      name = volume.value
    }
  }

  tags = merge(var.tags, { Name = local.families[each.key], version = each.key })

  lifecycle {
    precondition {
      condition     = each.value.image == null || (local.cpu[each.key] > local.others.cpu && local.memory[each.key] > local.others.memory)
      error_message = "The sidecar and the collector leave nothing of the task to the app of ${var.name}: give it more cpu or memory."
    }
  }
}

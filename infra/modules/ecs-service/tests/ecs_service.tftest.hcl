mock_provider "aws" {
  mock_resource "aws_ecs_task_definition" {
    defaults = {
      arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop-prod-orbit-r1:1"
    }
  }

  mock_resource "aws_service_discovery_service" {
    defaults = {
      arn = "arn:aws:servicediscovery:eu-central-1:123456789012:service/srv-0123456789abcdef"
    }
  }
}

variables {
  name               = "orbit"
  full_name          = "shop-prod-orbit"
  cluster_arn        = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
  cluster_name       = "shop-prod"
  region             = "eu-central-1"
  subnet_ids         = ["subnet-0a", "subnet-0b"]
  security_group_ids = ["sg-0a"]
  execution_role_arn = "arn:aws:iam::123456789012:role/shop-prod-orbit-execution"
  task_role_arn      = "arn:aws:iam::123456789012:role/shop-prod-orbit-task"
  kms_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  port               = 8080
  health             = { path = "/health", interval = 2, timeout = 1 }
  sidecar            = { image = "example/sidecar@sha256:00", environment = { FAIRWAY_CONFIG_BUCKET = "shop-prod-config" } }
  discovery          = { namespace_id = "ns-0a" }

  versions = {
    r1 = {
      image       = "example/orbit@sha256:01"
      replicas    = 2
      environment = { MODE = "fast" }
      secrets     = { KEY = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-prod-KEY-AbCdEf" }
    }
    r2 = {
      image    = "example/orbit@sha256:02"
      replicas = 1
      slot     = "b"
      memory   = 2048
    }
  }
}

run "two_versions_stand_side_by_side" {
  assert {
    condition     = output.service_names == { r1 = "orbit-r1", r2 = "orbit-r2" }
    error_message = "Each version is an ECS service of its own."
  }

  assert {
    condition     = aws_service_discovery_service.this["r2"].name == "orbit-r2"
    error_message = "Each version has a name of its own in Cloud Map."
  }

  assert {
    condition     = aws_ecs_service.this["r1"].desired_count == 2 && aws_ecs_service.this["r2"].desired_count == 1
    error_message = "A version starts with its replicas."
  }

  assert {
    condition     = alltrue([for service in aws_ecs_service.this : service.deployment_circuit_breaker[0].rollback])
    error_message = "A deployment whose tasks do not start goes back."
  }

  assert {
    condition     = aws_ecs_task_definition.this["r1"].memory == "1024" && aws_ecs_task_definition.this["r2"].memory == "2048"
    error_message = "A version has its own size."
  }
}

run "the_app_waits_for_its_sidecar_and_shares_a_volume" {
  assert {
    condition     = [for container in local.containers.r1 : container.name] == ["app", "envoy"]
    error_message = "A task has the app and its sidecar."
  }

  assert {
    condition     = jsonencode(local.app.r1.dependsOn) == jsonencode([{ condition = "HEALTHY", containerName = "envoy" }])
    error_message = "The app starts when the sidecar is healthy."
  }

  assert {
    condition     = local.app.r1.mountPoints[0].readOnly && !local.envoy.r1.mountPoints[0].readOnly
    error_message = "The agent writes /fairway, the app reads it."
  }

  assert {
    condition = (
      local.app.r1.cpu + local.envoy.r1.cpu == 512 &&
      local.app.r2.memory + local.envoy.r2.memory == 2048
    )
    error_message = "The containers share the whole task."
  }
}

run "containers_are_confined" {
  assert {
    condition = alltrue(flatten([
      for containers in values(local.containers) : [
        for container in containers :
        container.readonlyRootFilesystem && !container.privileged && container.user == "1000:1000" && contains(container.linuxParameters.capabilities.drop, "ALL")
      ]
    ]))
    error_message = "No container is root, writes to its image or has capabilities."
  }

  assert {
    condition     = alltrue([for container in local.containers.r1 : container.logConfiguration.options["mode"] == "non-blocking"])
    error_message = "No container waits for its log."
  }

  assert {
    condition     = local.app.r1.secrets[0].valueFrom == var.versions.r1.secrets["KEY"] && !strcontains(jsonencode(local.app.r1.environment), "KEY")
    error_message = "Secrets are handed over by reference."
  }

  assert {
    condition     = contains(local.app.r1.environment, { name = "PORT", value = "8080" })
    error_message = "The app is told its port."
  }

  assert {
    condition     = contains(local.envoy.r1.environment, { name = "FAIRWAY_VERSION", value = "r1" })
    error_message = "The agent is told whose files to fetch."
  }

  assert {
    condition     = local.app.r1.healthCheck.interval == 5 && local.app.r1.healthCheck.timeout == 2
    error_message = "Intervals are kept within the bounds of ECS."
  }
}

run "an_image_needs_nothing_for_its_check" {
  assert {
    condition = jsonencode(local.app.r1.healthCheck.command) == jsonencode([
      "CMD", "/fairway/bin/busybox", "wget", "-q", "-O", "/dev/null", "-Y", "off", "http://127.0.0.1:8080/health",
    ])
    error_message = "The app is asked without a shell, by the program in the volume."
  }

  assert {
    condition     = startswith(local.client, "${local.app.r1.mountPoints[0].containerPath}/")
    error_message = "The app sees the volume with that program."
  }
}

run "without_a_sidecar_the_load_balancer_checks" {
  variables {
    sidecar = null
  }

  assert {
    condition     = !contains(keys(local.containers.r1[0]), "healthCheck")
    error_message = "Nobody would have brought the program of the check."
  }
}

run "a_shell_needs_two_folders" {
  variables {
    enable_execute_command = true
  }

  assert {
    condition     = length(local.app.r1.linuxParameters.tmpfs) == 3 && aws_ecs_service.this["r1"].enable_execute_command
    error_message = "The agent of execute-command needs two writable folders."
  }
}

run "the_gateway_is_a_sidecar_alone" {
  variables {
    name     = "gateway"
    port     = 8443
    versions = { "" = { replicas = 2 } }
    health   = { start = 300 }

    circuit_breaker = false
    load_balancer = {
      groups = {
        a = {
          arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-a/0"
          arn_suffix = "targetgroup/shop-a/0"
        }
      }
      health_port = 15021
    }

    listener_rule_arns = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/shop/0/1/2"]
  }

  assert {
    condition     = output.service_names[""] == "gateway" && aws_ecs_task_definition.this[""].family == "shop-prod-orbit"
    error_message = "What has no versions has the name alone."
  }

  assert {
    condition     = [for container in local.containers[""] : container.name] == ["envoy"] && local.envoy[""].cpu == 512
    error_message = "The gateway has one container, and the whole task."
  }

  assert {
    condition     = one(aws_ecs_service.this[""].load_balancer).container_name == "envoy" && one(aws_ecs_service.this[""].load_balancer).container_port == 8443
    error_message = "The load balancer connects to Envoy's listener."
  }

  assert {
    condition     = !aws_ecs_service.this[""].deployment_circuit_breaker[0].enable && local.envoy[""].healthCheck.startPeriod == 300 && aws_ecs_service.this[""].health_check_grace_period_seconds == 300
    error_message = "It waits for its routes, and ECS does not give up."
  }

  assert {
    condition     = [for mapping in local.envoy[""].portMappings : mapping.containerPort] == [8443, 15021]
    error_message = "The load balancer asks the sidecar at a port of its own."
  }
}

run "a_load_balancer_divides_among_slots" {
  variables {
    sidecar   = null
    discovery = null
    load_balancer = {
      groups = {
        a = {
          arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-a/0"
          arn_suffix = "targetgroup/shop-a/0"
        }
        b = {
          arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-b/0"
          arn_suffix = "targetgroup/shop-b/0"
        }
      }
    }
    listener_rule_arns = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/shop/0/1/2"]
  }

  assert {
    condition     = endswith(one(aws_ecs_service.this["r1"].load_balancer).target_group_arn, "targetgroup/shop-a/0")
    error_message = "A version registers with the target group of its slot."
  }

  assert {
    condition     = [for container in local.containers.r1 : container.name] == ["app"] && length(local.app.r1.mountPoints) == 0
    error_message = "Outside the mesh there is no sidecar and nothing is shared."
  }
}

run "target_groups_without_a_rule_are_refused" {
  command = plan

  variables {
    load_balancer = {
      groups = {
        a = {
          arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-a/0"
          arn_suffix = "targetgroup/shop-a/0"
        }
        b = {
          arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-b/0"
          arn_suffix = "targetgroup/shop-b/0"
        }
      }
    }
  }

  expect_failures = [aws_ecs_service.this]
}

run "a_slot_that_is_not_there_is_refused" {
  command = plan

  variables {
    load_balancer = {
      groups = {
        a = {
          arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-a/0"
          arn_suffix = "targetgroup/shop-a/0"
        }
      }
    }
    listener_rule_arns = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/shop/0/1/2"]
  }

  expect_failures = [var.load_balancer]
}

run "a_task_too_small_for_its_sidecar_is_refused" {
  command = plan

  variables {
    sidecar = { image = "example/sidecar@sha256:00", cpu = 512 }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "versions_scale_by_their_own_load" {
  variables {
    request_metric = { namespace = "Fairway", name = "Requests", dimensions = { App = "shop", Environment = "prod" } }
    scaling = {
      min         = 2
      max         = 10
      cpu         = 60
      memory      = 75
      requests    = 50
      queue_depth = { queue_name = "shop-prod-orders", per_replica = 100 }
      schedule    = [{ name = "morning", cron = "0 7 ? * MON-FRI *", timezone = "Europe/Berlin", min = 4, max = 10 }]
    }
  }

  assert {
    condition     = sort(keys(aws_appautoscaling_policy.utilization)) == tolist(["r1.cpu", "r1.memory", "r2.cpu", "r2.memory"])
    error_message = "CPU and memory scale each version."
  }

  assert {
    condition     = sort(keys(aws_appautoscaling_policy.per_replica)) == tolist(["r1.queue-depth", "r1.requests", "r2.queue-depth", "r2.requests"])
    error_message = "Requests and waiting messages scale each version."
  }

  assert {
    condition     = aws_appautoscaling_policy.per_replica["r1.requests"].target_tracking_scaling_policy_configuration[0].target_value == 3000
    error_message = "50 requests a second are 3000 a minute."
  }

  assert {
    condition = jsonencode(local.per_replica["r1.requests"].metric.dimensions) == jsonencode({
      App = "shop", Environment = "prod", Service = var.name, Version = "r1"
    })
    error_message = "CloudWatch finds a metric by all of its dimensions or not at all."
  }

  assert {
    condition     = aws_appautoscaling_target.this["r1"].min_capacity == 2 && aws_appautoscaling_target.this["r2"].min_capacity == 1
    error_message = "A canary may be smaller than the settled version."
  }

  assert {
    condition     = aws_appautoscaling_scheduled_action.this["r1.morning"].schedule == "cron(0 7 ? * MON-FRI *)"
    error_message = "The schedule moves the bounds."
  }
}

run "behind_a_load_balancer_it_counts_the_requests" {
  variables {
    load_balancer = {
      groups = {
        a = {
          arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-a/0"
          arn_suffix = "targetgroup/shop-a/0"
        }
        b = {
          arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-b/0"
          arn_suffix = "targetgroup/shop-b/0"
        }
      }
    }
    load_balancer_arn_suffix = "app/shop/0123456789abcdef"
    listener_rule_arns       = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/shop/0/1/2"]
    scaling                  = { min = 1, max = 4, requests = 10 }
  }

  assert {
    condition = (
      aws_appautoscaling_policy.target_requests["r1"].target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].resource_label
      == "app/shop/0123456789abcdef/targetgroup/shop-a/0"
    )
    error_message = "Its metric is named by load balancer and target group."
  }

  assert {
    condition     = length(aws_appautoscaling_policy.per_replica) == 0
    error_message = "Requests are counted once."
  }
}

run "requests_that_nobody_counts_are_refused" {
  command = plan

  variables {
    scaling = { min = 1, max = 4, requests = 10 }
  }

  expect_failures = [var.scaling]
}

run "spot_leaves_the_first_replica_alone" {
  variables {
    spot_percent = 70
  }

  assert {
    condition = sort([
      for strategy in aws_ecs_service.this["r1"].capacity_provider_strategy :
      format("%s %d from %d", strategy.capacity_provider, strategy.weight, coalesce(strategy.base, 0))
    ]) == tolist(["FARGATE 30 from 1", "FARGATE_SPOT 70 from 0"])
    error_message = "70 percent run on Spot, but never the first."
  }
}

run "traces_go_through_a_collector_that_may_fail" {
  variables {
    collector = { image = "example/collector@sha256:00", config = "receivers: {}" }
  }

  assert {
    condition     = [for container in local.containers.r1 : container.name] == ["app", "envoy", "otel"] && !local.otel.r1.essential
    error_message = "Without its collector a task goes on."
  }
}

run "a_job_has_no_service" {
  variables {
    kind      = "job"
    port      = null
    discovery = null
  }

  assert {
    condition     = length(aws_ecs_service.this) == 0 && length(aws_ecs_task_definition.this) == 2
    error_message = "A job is a task definition that somebody starts."
  }

  assert {
    condition     = length(local.app.r1.portMappings) == 0 && length(local.probe.r1) == 0
    error_message = "Nobody connects to a job."
  }
}

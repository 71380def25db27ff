# What runs: for every service a key, its secrets, a role, and the tasks of its versions.

locals {
  # Files that the agent beside a service writes for it; the library and other programs read them.
  folder = "/fairway"

  # A sidecar listens for each callee at a port that follows from the callee's name: src/fairway/targets/aws/mesh/ports.py.
  # A service outside the mesh is called through the internal load balancer.
  callees = {
    for name, it in var.services : name => merge(
      {
        for callee in it.calls : callee => "http://127.0.0.1:${20000 + parseint(substr(sha256(callee), 0, 8), 16) % 10000}"
        if var.services[callee].mesh
      },
      { for callee in it.calls : callee => "https://${callee}.${local.internal_domain}" if !var.services[callee].mesh },
    )
  }

  environment = {
    for name, it in var.services : name => merge(
      {
        FAIRWAY_APP         = var.app
        FAIRWAY_ENVIRONMENT = var.environment
        FAIRWAY_SERVICE     = name
        OTEL_SERVICE_NAME   = name
      },
      it.mesh ? {
        FAIRWAY_EGRESS_URL = "http://127.0.0.1:15001"
        FAIRWAY_FLAGS_FILE = "${local.folder}/flags.json"
      } : {},
      it.mesh && it.library ? {
        FAIRWAY_IDENTITY_DIR = "${local.folder}/identity"
        FAIRWAY_POLICY_FILE  = "${local.folder}/policies.json"
      } : {},
      it.mesh ? {} : { FAIRWAY_GOVERNANCE_FUNCTION = local.arns.governance.environment },
      local.secrets_as_files[name] ? { FAIRWAY_SECRETS_DIR = "${local.folder}/secrets" } : {},
      var.traces ? {
        OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:4318"
        OTEL_EXPORTER_OTLP_PROTOCOL = "http/protobuf"
      } : {},
      local.topic_variables[name],
      local.store_variables[name],
      { for callee, url in local.callees[name] : "${upper(replace(callee, "-", "_"))}_URL" => url },
    )
  }

  environment_of_version = {
    for name, it in var.services : name => {
      for version, its in it.versions : version => merge(
        local.environment[name],
        {
          FAIRWAY_RELEASE          = version
          OTEL_RESOURCE_ATTRIBUTES = "service.namespace=${var.app},service.version=${version},deployment.environment.name=${var.environment}"
        },
        its.has_config && it.mesh ? { FAIRWAY_CONFIG_FILE = "${local.folder}/config.json" } : {},
        its.environment,
      )
    }
  }

  # The library rereads secrets that the agent writes; any other program has them in its environment from its start.
  secrets_as_files = { for name, it in var.services : name => it.mesh && it.library && length(it.secrets) > 0 }

  # A service with the library signs what it calls; the agent fetches the key from the secret `identity`.
  secrets = {
    for name, it in var.services : name => merge(
      { for secret in it.secrets : secret => { description = "${secret} of ${name}", rotate = try(var.rotation[secret], null) } },
      it.mesh && it.library ? { identity = { description = "The key by which ${name} signs its calls", rotate = null } } : {},
    )
  }

  # The function that renews secrets of a service, by service: its role, which key and secrets name before it is there,
  # and its way out of the network. A password is changed in the service's own databases; a key calls AWS alone.
  rotated = {
    for name, secrets in local.secrets : name => [for it in values(secrets) : it.rotate if it.rotate != null]
  }
  rotators = {
    for name, kinds in local.rotated : name => {
      role   = "${var.name}-${name}-rotation-${var.region}"
      stores = contains(kinds, "postgres") ? [for store in var.services[name].stores : store if contains(keys(var.databases), store)] : []
    } if length(kinds) > 0
  }
  rotation_roles = {
    for name, it in local.rotators : name => length(it.role) <= 64 ? it.role : format(
      "%s-%s", replace(substr(it.role, 0, 57), "/-+$/", ""), substr(sha256(it.role), 0, 6)
    )
  }
}

module "kms" {
  source   = "../../modules/kms"
  for_each = var.services

  name        = "${var.name}-${each.key}"
  description = "Secrets of ${each.key} in ${var.name}"
  users       = local.readers[each.key]

  secret_writers = concat(
    local.operators,
    [for name, role in local.rotation_roles : "arn:${local.partition}:iam::${local.account}:role/${role}" if name == each.key],
  )
}

module "secrets" {
  source   = "../../modules/secrets"
  for_each = { for name, secrets in local.secrets : name => secrets if length(secrets) > 0 }

  name             = "${var.name}/${each.key}"
  region           = var.region
  secrets          = each.value
  kms_key_arn      = module.kms[each.key].key_arn
  reader_role_arns = local.readers[each.key]
  recovery_days    = var.protect ? 30 : 0
  rotation_days    = var.rotation_days

  permissions_boundary_arn = local.boundary_arn
  tags                     = { service = each.key }

  rotation = !contains(keys(local.rotators), each.key) ? null : {
    package            = "${var.packages}/rotation.zip"
    package_hash       = filebase64sha256("${var.packages}/rotation.zip")
    role_name          = local.rotation_roles[each.key]
    subnet_ids         = module.network.runtime_subnet_ids
    security_group_ids = [try(module.security_groups.ids["${each.key}_rotation"], aws_security_group.functions.id)]
    kms_key_arn        = module.environment_key.key_arn
    log_retention      = var.log_retention
    alarm_actions      = [module.observability.alarm_topic_arn]
  }
}

module "services" {
  source   = "../../modules/ecs-service"
  for_each = var.services

  name      = each.key
  full_name = "${var.name}-${each.key}"
  kind      = each.value.kind

  cluster_arn        = module.cluster.cluster_arn
  cluster_name       = module.cluster.cluster_name
  region             = var.region
  subnet_ids         = module.network.runtime_subnet_ids
  security_group_ids = [module.security_groups.ids[each.key]]
  execution_role_arn = module.iam[each.key].execution_role_arn
  task_role_arn      = module.iam[each.key].task_role_arn

  versions = {
    for version, it in each.value.versions : version => {
      image       = coalesce(it.image, "${local.registry}/${each.key}:${version}")
      replicas    = it.replicas
      slot        = it.slot
      command     = it.command
      environment = local.environment_of_version[each.key][version]
      port        = it.port
      cpu         = it.cpu
      memory      = it.memory
      secrets = local.secrets_as_files[each.key] ? {} : {
        for secret in coalesce(it.secrets, each.value.secrets) : secret => module.secrets[each.key].arns[secret]
      }
    }
  }

  port         = each.value.kind == "service" ? each.value.port : null
  cpu          = each.value.cpu
  memory       = each.value.memory
  health       = each.value.health
  stop_timeout = max(2, ceil(each.value.stop_timeout))
  spot_percent = var.spot_percent
  scaling      = each.value.scale == null ? null : local.scaling[each.key]

  sidecar            = each.value.mesh ? local.sidecar[each.key] : null
  collector          = try(local.collector[each.key], null)
  discovery          = each.value.mesh && each.value.kind == "service" ? { namespace_id = module.discovery.namespace_id } : null
  load_balancer      = length(each.value.target_groups) == 0 ? null : { groups = module.target_groups[each.key].groups }
  listener_rule_arns = local.rule_arns[each.key]
  load_balancer_arn_suffix = (
    length(try(var.rules[each.key].public, [])) > 0
    ? one(module.public_load_balancer[*].arn_suffix)
    : one(module.internal_load_balancer[*].arn_suffix)
  )
  request_metric = {
    namespace  = local.metrics
    name       = "Requests"
    dimensions = { App = var.app, Environment = var.environment }
  }

  log_retention = var.log_retention
  kms_key_arn   = module.environment_key.key_arn
}

locals {
  # Events that wait are counted in the queue of the first topic that a service subscribes to.
  scaling = {
    for name, it in var.services : name => merge(it.scale, {
      queue_depth = it.scale.queue == null || length(it.subscribes) == 0 ? null : {
        queue_name  = module.events[0].queue_names["${it.subscribes[0]}.${name}"]
        per_replica = it.scale.queue
      }
    }) if it.scale != null
  }
}

# What every service's roles may do: the statements of var.grants and var.starting_grants, with the ARNs of what they
# name.

locals {
  arns = {
    any       = { "*" = "*" }
    secret    = merge([for name, it in module.secrets : { for secret, arn in it.arns : "${name}/${secret}" => arn }]...)
    key       = merge({ environment = module.environment_key.key_arn }, { for name, it in module.kms : name => it.key_arn })
    log-group = { for name in local.holders : name => "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/fairway/${var.name}-${name}:*" }

    repository = {
      for image in concat(local.holders, ["fairway-sidecar"]) :
      image => "arn:${local.partition}:ecr:${var.region}:${local.account}:repository/${var.name}/${image}"
    }

    mesh     = { for name in local.holders : name => "${module.config_bucket.arn}/mesh/${name}/*" }
    handouts = { for name in local.holders : name => "${module.config_bucket.arn}/handouts/${name}/*" }
    identity = module.identity.alias_arns

    # By name: the function in turn names the roles.
    governance = { environment = "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${var.name}-governance:live" }

    telemetry = { environment = module.telemetry_table.arn }

    table          = { for name, it in module.tables : name => it.arn }
    bucket         = { for name, it in module.buckets : name => it.arn }
    bucket-objects = { for name, it in module.buckets : name => "${it.arn}/*" }
    database-user = merge([
      for name, it in module.databases : {
        for service in keys(var.services) :
        "${name}.${service}" => "arn:${local.partition}:rds-db:${var.region}:${local.account}:dbuser:${it.resource_id}/${service}"
      }
    ]...)
    cache      = { for name, it in module.caches : name => it.arn }
    cache-user = merge([for name, it in module.caches : { for user, arn in it.user_arns : "${name}.${user}" => arn }]...)

    bus   = { for it in module.events : "environment" => it.bus_arn }
    queue = merge(module.events[*].queue_arns...)
  }

  # What a start is about, by service and kind of resource.
  starting = {
    for holder in local.holders : holder => {
      for kind in ["repository", "log-group", "secret", "key"] : kind => [
        for grant in try(var.starting_grants[holder], []) : grant.resource.name if grant.resource.kind == kind
      ]
    }
  }

  # Roles by name: keys and secrets say who may use them before there is a role. The rule is that of module iam, which
  # cannot be asked here: its roles in turn name keys and secrets. The check below compares.
  role_names = {
    for pair in setproduct(local.holders, ["task", "execution"]) :
    join(" ", pair) => "${var.name}-${pair[0]}-${pair[1]}-${var.region}"
  }
  principals = {
    for name in local.holders : name => [
      for thing in ["execution", "task"] : format("arn:%s:iam::%s:role/%s", local.partition, local.account,
        length(local.role_names["${name} ${thing}"]) <= 64 ? local.role_names["${name} ${thing}"] : format("%s-%s",
          replace(substr(local.role_names["${name} ${thing}"], 0, 57), "/-+$/", ""),
          substr(sha256(local.role_names["${name} ${thing}"]), 0, 6),
        )
      )
    ]
  }

  # The policy of a secret or a key suffices without one of the role: who starts tasks is named only where it reads.
  readers = {
    for name, both in local.principals : name => [
      for number, arn in both : arn if number == 1 || length(local.starting[name].secret) > 0
    ]
  }

  # What no role of the environment gets beyond: policies of the root `account`, which a deployment cannot change.
  boundary_arn        = "arn:${local.partition}:iam::${local.account}:policy/${var.name}-boundary"
  boundary_backup_arn = "${local.boundary_arn}-backup"

  # Everything that has tasks.
  holders = concat(keys(var.services), var.gateway == null ? [] : ["gateway"])
}

module "iam" {
  source   = "../../modules/iam"
  for_each = toset(local.holders)

  name         = "${var.name}-${each.key}"
  region       = var.region
  boundary_arn = local.boundary_arn
  statements = [
    for grant in try(var.grants[each.key], []) : {
      sid        = grant.sid
      actions    = grant.actions
      resources  = [local.arns[grant.resource.kind][grant.resource.name]]
      conditions = grant.conditions
    }
  ]

  # What ECS needs to start its tasks. The module knows the actions by what they are done to.
  execution = {
    for argument, kind in { repository_arns = "repository", log_group_arns = "log-group", secret_arns = "secret", key_arns = "key" } :
    argument => [for name in local.starting[each.key][kind] : local.arns[kind][name]]
  }

  # By which the boundary knows what is a service's own.
  tags = { service = each.key }
}

check "roles" {
  assert {
    condition     = alltrue([for name, it in module.iam : toset(it.principal_arns) == toset(local.principals[name])])
    error_message = "The roles are not called as keys and secrets expect: nobody could read a secret."
  }
}

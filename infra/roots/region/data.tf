# Stores and topics of the app. What holds data refuses to be deleted unless var.protect is false.

locals {
  # What module backup looks for.
  backed_up = { backup = "yes" }

  # Those with an address in the network: a security group opens them to the services that list them.
  addressed_stores = merge(
    { for name in keys(var.databases) : name => { port = 5432 } },
    { for name in keys(var.caches) : name => { port = 6379 } },
  )

  # By which variables a service finds its stores and topics. It logs on to databases and caches under its own name,
  # with a token of IAM for a password: docs/how-to/aws.md.
  store_variables = {
    for service, it in var.services : service => {
      for variable, value in merge(
        { for name, db in module.databases : "${name}_url" => "postgresql://${service}@${db.endpoint}:${db.port}/${db.database}?sslmode=require" if contains(it.stores, name) },
        { for name, cache in module.caches : "${name}_url" => "rediss://${cache.user_names[service]}@${cache.endpoint}:${cache.port}" if contains(it.stores, name) },
        { for name, bucket in module.buckets : "${name}_bucket" => bucket.name if contains(it.stores, name) },
        { for name, table in module.tables : "${name}_table" => table.name if contains(it.stores, name) },
      ) : upper(replace(variable, "-", "_")) => value
    }
  }
  topic_variables = {
    for service, it in var.services : service => merge(
      length(it.publishes) == 0 ? {} : {
        FAIRWAY_BUS          = module.events[0].bus_name
        FAIRWAY_EVENT_SOURCE = "${var.name}.${service}"
      },
      { for topic in it.subscribes : "FAIRWAY_QUEUE_${upper(replace(topic, "-", "_"))}" => module.events[0].queue_urls["${topic}.${service}"] },
    )
  }
}

# What checkov asks about is read from the variable itself: it takes `each.value` for false.
module "databases" {
  source   = "../../modules/database"
  for_each = var.databases

  name               = "${var.name}-${each.key}"
  region             = var.region
  engine_version     = each.value.engine_version
  instance_class     = each.value.instance_class
  storage_gib        = each.value.storage_gib
  multi_az           = var.databases[each.key].multi_az
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.security_groups.store_ids[each.key]]
  kms_key_arn        = module.environment_key.key_arn
  backup_days        = var.databases[each.key].backup_days
  log_retention_days = var.log_retention
  alarm_actions      = [module.observability.alarm_topic_arn]

  # In another region there is one of the same name, which can be written.
  replicated = each.value.replicated
  replicate_source_arn = (
    each.value.replica_of == null ? null :
    "arn:${local.partition}:rds:${each.value.replica_of}:${local.account}:db:${var.name}-${each.key}"
  )

  deletion_protection = var.protect
  skip_final_snapshot = !var.protect

  permissions_boundary_arn = local.boundary_arn

  tags = local.backed_up
}

# The second region can go back to any second of the databases of the region that leads: while that is gone as well.
resource "aws_db_instance_automated_backups_replication" "lead" {
  for_each = var.role == "secondary" && var.copy_backups ? var.databases : {}

  source_db_instance_arn = "arn:${local.partition}:rds:${local.lead}:${local.account}:db:${var.name}-${each.key}"
  kms_key_id             = module.environment_key.key_arn
  retention_period       = each.value.backup_days
}

module "caches" {
  source   = "../../modules/cache"
  for_each = var.caches

  name               = "${var.name}-${each.key}"
  engine_version     = each.value.engine_version
  node_type          = each.value.node_type
  multi_az           = var.caches[each.key].multi_az
  replicas           = var.caches[each.key].multi_az ? 1 : 0
  subnet_ids         = module.network.private_subnet_ids
  security_group_ids = [module.security_groups.store_ids[each.key]]
  kms_key_arn        = module.environment_key.key_arn

  # Every service that lists it logs on as itself, and may not reconfigure it.
  users = { for name, it in var.services : name => "on ~* +@all -@dangerous" if contains(it.stores, each.key) }
}

module "buckets" {
  source   = "../../modules/bucket"
  for_each = var.buckets

  name          = "${var.name}-${each.key}-${local.account}-${var.region}"
  kms_key_arn   = module.environment_key.key_arn
  access_log    = { bucket = module.log_bucket.name, prefix = "s3/${each.key}/" }
  force_destroy = !var.protect

  tags = local.backed_up
}

module "tables" {
  source   = "../../modules/table"
  for_each = var.tables

  name                = "${var.name}-${each.key}"
  kms_key_arn         = module.environment_key.key_arn
  deletion_protection = var.protect

  tags = local.backed_up
}

module "events" {
  source = "../../modules/events"
  count  = length(var.topics) > 0 ? 1 : 0

  name = var.name
  topics = {
    for name, topic in var.topics : name => merge(topic, {
      # A topic that no service publishes to gets its events from outside.
      publishers = length(topic.publishers) > 0 ? topic.publishers : ["outside"]
    })
  }
  alarm_actions = [module.observability.alarm_topic_arn]
  kms_key_arn   = module.environment_key.key_arn
}

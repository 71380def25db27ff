# Names of versions for the callers' Envoys: <service>-<version>.<namespace>, one address for each task.

resource "aws_service_discovery_service" "this" {
  for_each = var.discovery == null ? {} : local.services

  name         = local.names[each.key]
  description  = "Tasks of ${local.names[each.key]}"
  namespace_id = var.discovery.namespace_id

  # A version can be retired while its last tasks are still registered.
  force_destroy = true

  dns_config {
    namespace_id   = var.discovery.namespace_id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = var.discovery.ttl
    }
  }

  # ECS reports the health of its tasks here. The number says nothing (AWS always takes 1), but without it the
  # provider leaves the block out, and unhealthy tasks would keep their name.
  health_check_custom_config {
    failure_threshold = 1
  }

  tags = merge(var.tags, { Name = local.names[each.key], version = each.key })

  lifecycle {
    ignore_changes = [health_check_custom_config]
  }
}

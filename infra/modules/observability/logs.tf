# Programs log JSON lines with `level`; the runtime adds `allowed` to decisions, Envoy `details` to
# requests that it refuses.

locals {
  log_metrics = {
    errors = {
      metric  = "LoggedErrors"
      pattern = "{ ($.level = \"error\") || ($.level = \"critical\") }"
    }
    denied = {
      metric  = "DeniedDecisions"
      pattern = "{ ($.allowed IS FALSE) || ($.audit.allowed IS FALSE) || ($.details = \"rbac_access_denied*\") }"
    }
  }

  log_filters = merge([
    for service, log_group in local.log_groups : {
      for kind, filter in local.log_metrics : "${service}-${kind}" => merge(filter, {
        service   = service
        log_group = log_group
      })
    }
  ]...)

  # A query reads 50 groups at most.
  queried_groups = slice(values(local.log_groups), 0, min(50, length(local.log_groups)))

  queries = {
    errors = <<-EOT
      fields @timestamp, service, release, message, correlation_id, exception
      | filter level in ["error", "critical"]
      | sort @timestamp desc
      | limit 200
    EOT

    denied-decisions = <<-EOT
      fields @timestamp, service, peer, intent, reason, decision_id, correlation_id
      | filter allowed = 0 or details like /rbac_access_denied/
      | stats count(*) as denied by service, peer, intent, reason
      | sort denied desc
    EOT

    slowest-requests = <<-EOT
      fields @timestamp, service, method, path, status, duration_ms, correlation_id
      | filter logger = "fairway.request"
      | sort duration_ms desc
      | limit 50
    EOT

    requests-by-release = <<-EOT
      filter logger = "fairway.request"
      | stats count(*) as requests, sum(status >= 500) as failed, pct(duration_ms, 95) as p95_ms
          by service, release, bin(5m)
    EOT
  }
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.log_filters

  name           = "${var.name}-${each.key}"
  log_group_name = each.value.log_group
  pattern        = each.value.pattern

  # The service is part of the name: a metric with dimensions cannot have a default value, and without
  # one there is no data while nothing goes wrong.
  metric_transformation {
    namespace     = "${var.metric_namespace}/Logs"
    name          = "${each.value.metric}-${var.name}-${each.value.service}"
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each = local.queries

  name            = "${var.name}/${each.key}"
  query_string    = each.value
  log_group_names = local.queried_groups
}

# An SLO leaves a budget of bad requests. The burn rate is how many times faster than allowed it is
# spent: at 1 it lasts exactly for the window. Multi-window, multi-burn-rate alarms after the Google SRE
# workbook, "Alerting on SLOs": two pairs of windows, and the short one of a pair ends the alarm soon
# after the trouble is over.

locals {
  # The workbook's rates for 30 days, 14.4 and 6, spend 2 % of the budget in 1 hour and 5 % in 6 hours.
  # These shares are kept for other windows.
  burns = {
    fast = { percent = 2, hours = 1, long = 3600, short = 300 }
    slow = { percent = 5, hours = 6, long = 21600, short = 1800 }
  }

  # What an SLO promises, each as a share of requests that are bad: "p95 of 200 ms" says that 5 % of
  # requests may take longer than 200 ms.
  objectives = merge([
    for name, slo in var.slos : {
      for kind, objective in {
        availability = slo.availability == null ? null : {
          budget = (100 - slo.availability) / 100
          bad    = { metric = "Errors", stat = "Sum" }
          total  = { metric = "Requests", stat = "Sum" }
        }
        p95 = slo.p95 == null ? null : {
          budget = 0.05
          bad    = { metric = "Latency", stat = "TC(${slo.p95 * 1000}:)" }
          total  = { metric = "Latency", stat = "SampleCount" }
        }
        p99 = slo.p99 == null ? null : {
          budget = 0.01
          bad    = { metric = "Latency", stat = "TC(${slo.p99 * 1000}:)" }
          total  = { metric = "Latency", stat = "SampleCount" }
        }
      } :
      "${name}-${kind}" => merge(objective, {
        service      = slo.service
        window_hours = slo.window / 3600
      }) if objective != null && length(var.services[slo.service].versions) > 0
    }
  ]...)

  burn_alarms = merge([
    for key, objective in local.objectives : {
      for burn, settings in local.burns : "${key}-${burn}" => {
        objective = objective
        burn      = burn
        label     = key

        # A share of bad requests cannot exceed 1: for a large budget that is the threshold. Rounded,
        # as Terraform counts more exactly than CloudWatch.
        threshold = min(1, tonumber(format(
          "%.6f", settings.percent / 100 * objective.window_hours / settings.hours * objective.budget
        )))
      }
    }
  ]...)

  burn_windows = merge([
    for key, alarm in local.burn_alarms : {
      for window in ["long", "short"] : "${key}-${window}" => merge(alarm, {
        period = local.burns[alarm.burn][window]
        versions = {
          for id, version in keys(var.services[alarm.objective.service].versions) :
          id => local.dimensions["${alarm.objective.service}-${version}"]
        }
      })
    }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "burn_window" {
  for_each = local.burn_windows

  alarm_name          = "${var.name}-slo-${each.key}"
  alarm_description   = "Share of bad requests for ${each.value.label} within ${each.value.period / 60} minutes. Part of ${var.name}-slo-${each.value.label}-${each.value.burn}; tells nobody itself."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  tags                = var.tags

  metric_query {
    id          = "burned"
    label       = "share of bad requests"
    return_data = true

    # Few requests prove nothing: one failure of two is no outage.
    expression = format(
      "IF(%[2]s >= %[3]d, (%[1]s) / (%[2]s), 0)",
      join(" + ", [for id in keys(each.value.versions) : "FILL(bad${id}, 0)"]),
      join(" + ", [for id in keys(each.value.versions) : "FILL(total${id}, 0)"]),
      var.minimum_requests,
    )
  }

  dynamic "metric_query" {
    for_each = each.value.versions

    content {
      id = "bad${metric_query.key}"

      metric {
        namespace   = var.metric_namespace
        metric_name = each.value.objective.bad.metric
        stat        = each.value.objective.bad.stat
        period      = each.value.period
        dimensions  = metric_query.value
      }
    }
  }

  dynamic "metric_query" {
    for_each = each.value.versions

    content {
      id = "total${metric_query.key}"

      metric {
        namespace   = var.metric_namespace
        metric_name = each.value.objective.total.metric
        stat        = each.value.objective.total.stat
        period      = each.value.period
        dimensions  = metric_query.value
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "burn" {
  for_each = local.burn_alarms

  alarm_name        = "${var.name}-slo-${each.key}"
  alarm_description = "The error budget of ${each.value.label} (service ${each.value.objective.service}) is spent ${each.value.burn == "fast" ? "very fast" : "too fast"}: ${local.burns[each.value.burn].percent} % of it within ${local.burns[each.value.burn].hours} h."
  alarm_actions     = [aws_sns_topic.alarms.arn]
  ok_actions        = [aws_sns_topic.alarms.arn]
  tags              = var.tags

  alarm_rule = join(" AND ", [
    for window in ["long", "short"] :
    "ALARM(\"${aws_cloudwatch_metric_alarm.burn_window["${each.key}-${window}"].alarm_name}\")"
  ])
}

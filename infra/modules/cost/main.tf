# The budget and the monitor look at what carries the tag of the environment. AWS sorts costs by a tag
# only after it was activated for billing, and it can be activated only after a resource has had it for
# a day.

resource "aws_ce_cost_allocation_tag" "this" {
  for_each = var.active_tags

  tag_key = each.value
  status  = "Active"
}

resource "aws_budgets_budget" "this" {
  count = var.monthly_limit == null ? 0 : 1

  name         = var.name
  budget_type  = "COST"
  limit_amount = format("%.2f", var.monthly_limit)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"
  tags         = var.tags

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:%s$%s", var.tag.key, var.tag.value)]
  }

  dynamic "notification" {
    for_each = length(var.emails) == 0 ? [] : var.thresholds # AWS takes no notification without a receiver

    content {
      notification_type          = notification.value.forecast ? "FORECASTED" : "ACTUAL"
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value.percent
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = var.emails
    }
  }
}

resource "aws_ce_anomaly_monitor" "this" {
  name         = var.name
  monitor_type = "CUSTOM"
  tags         = var.tags

  monitor_specification = jsonencode({
    And            = null
    CostCategories = null
    Dimensions     = null
    Not            = null
    Or             = null
    Tags = {
      Key          = "user:${var.tag.key}" # as it is called once it is activated for billing
      MatchOptions = null
      Values       = [var.tag.value]
    }
  })
}

resource "aws_ce_anomaly_subscription" "this" {
  count = length(var.emails) == 0 ? 0 : 1

  name             = var.name
  frequency        = "DAILY"
  monitor_arn_list = [aws_ce_anomaly_monitor.this.arn]
  tags             = var.tags

  dynamic "subscriber" {
    for_each = toset(var.emails)

    content {
      type    = "EMAIL"
      address = subscriber.value
    }
  }

  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(var.anomaly_usd)]
    }
  }
}

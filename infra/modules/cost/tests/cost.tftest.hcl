mock_provider "aws" {
  mock_resource "aws_ce_anomaly_monitor" {
    defaults = { arn = "arn:aws:ce::111122223333:anomalymonitor/11111111-1111-1111-1111-111111111111" }
  }
}

variables {
  name          = "shop-prod"
  monthly_limit = 400
  tag           = { key = "fairway", value = "shop-prod" }
  emails        = ["ops@example.com"]
}

run "budget" {
  command = apply

  assert {
    condition     = aws_budgets_budget.this[0].limit_amount == "400.00" && aws_budgets_budget.this[0].time_unit == "MONTHLY"
    error_message = "The limit is that of a month."
  }

  assert {
    condition     = one(one(aws_budgets_budget.this[0].cost_filter).values) == "user:fairway$shop-prod"
    error_message = "Only the environment's costs count."
  }

  assert {
    condition = toset([
      for n in aws_budgets_budget.this[0].notification : "${n.notification_type} ${n.threshold}"
    ]) == toset(["ACTUAL 50", "ACTUAL 80", "ACTUAL 100", "FORECASTED 100"])
    error_message = "People are told at half, four fifths and all of it, and when the forecast is above."
  }
}

run "anomalies" {
  command = apply

  assert {
    condition     = jsondecode(aws_ce_anomaly_monitor.this.monitor_specification).Tags == { Key = "user:fairway", MatchOptions = null, Values = ["shop-prod"] }
    error_message = "Only the environment's costs are watched."
  }

  assert {
    condition     = one(aws_ce_anomaly_subscription.this[0].subscriber).address == "ops@example.com"
    error_message = "The given addresses are told of anomalies."
  }

  assert {
    condition     = length(aws_ce_cost_allocation_tag.this) == 0
    error_message = "No tag is activated before it was ever used."
  }
}

run "tags_are_activated" {
  command = apply

  variables {
    active_tags = ["fairway"]
  }

  assert {
    condition     = aws_ce_cost_allocation_tag.this["fairway"].status == "Active"
    error_message = "The tag is activated for billing."
  }
}

run "a_budget_that_nobody_is_told_of" {
  command = plan

  variables {
    emails = []
  }

  assert {
    condition     = length(aws_budgets_budget.this[0].notification) == 0
    error_message = "AWS takes no notification without a receiver."
  }
}

run "without_a_limit_or_people" {
  command = plan

  variables {
    monthly_limit = null
    emails        = []
  }

  assert {
    condition     = length(aws_budgets_budget.this) == 0 && length(aws_ce_anomaly_subscription.this) == 0
    error_message = "There is no budget without a limit, and nobody to tell."
  }
}

run "a_budget_of_nothing_is_refused" {
  command = plan

  variables {
    monthly_limit = 0
  }

  expect_failures = [var.monthly_limit]
}

output "budget_name" {
  description = "Name of the budget; null without one."
  value       = one(aws_budgets_budget.this[*].name)
}

output "budget_arn" {
  description = "ARN of the budget; null without one."
  value       = one(aws_budgets_budget.this[*].arn)
}

output "monitor_arn" {
  description = "ARN of the anomaly monitor."
  value       = aws_ce_anomaly_monitor.this.arn
}

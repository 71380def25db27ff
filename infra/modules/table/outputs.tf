output "name" {
  description = "Name of the table."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "ARN of the table."
  value       = aws_dynamodb_table.this.arn
}

output "index_arns" {
  description = "ARN of every global secondary index by its name."
  value       = { for name, _ in var.indexes : name => "${aws_dynamodb_table.this.arn}/index/${name}" }
}

output "stream_arn" {
  description = "ARN of the stream of changes; null without one."
  value       = local.streams ? aws_dynamodb_table.this.stream_arn : null
}

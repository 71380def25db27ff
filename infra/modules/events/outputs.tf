output "bus_arn" {
  description = "ARN of the bus."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "bus_name" {
  description = "Name of the bus; publishers put events with source \"<name>.<publisher>\" and detail type \"<topic>\"."
  value       = aws_cloudwatch_event_bus.this.name
}

output "sources" {
  description = "Sources that each topic admits, by topic: what publishers' permissions are limited to."
  value       = local.sources
}

output "topic_arns" {
  description = "ARN of every topic by its name."
  value       = { for topic, made in aws_sns_topic.this : topic => made.arn }
}

output "queue_arns" {
  description = "ARN of every subscriber's queue by \"<topic>.<subscriber>\"."
  value       = { for key, queue in aws_sqs_queue.this : key => queue.arn }
}

output "queue_urls" {
  description = "URL of every subscriber's queue by \"<topic>.<subscriber>\"."
  value       = { for key, queue in aws_sqs_queue.this : key => queue.url }
}

output "queue_names" {
  description = "Name of every subscriber's queue by \"<topic>.<subscriber>\": scaling by depth needs it."
  value       = { for key, queue in aws_sqs_queue.this : key => queue.name }
}

output "dlq_arns" {
  description = "ARN of every dead-letter queue by \"<topic>.<subscriber>\"."
  value       = { for key, queue in aws_sqs_queue.dead_letter : key => queue.arn }
}

output "undelivered_arn" {
  description = "ARN of the queue with the events that reached no topic."
  value       = aws_sqs_queue.undelivered.arn
}

output "archive_arn" {
  description = "ARN of the archive that replays read."
  value       = aws_cloudwatch_event_archive.this.arn
}

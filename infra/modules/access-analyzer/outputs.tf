output "arn" {
  description = "ARN of the analyzer of what is open to others."
  value       = aws_accessanalyzer_analyzer.external.arn
}

output "unused_access_arn" {
  description = "ARN of the analyzer of what nobody uses; null if there is none."
  value       = one(aws_accessanalyzer_analyzer.unused[*].arn)
}

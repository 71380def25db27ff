output "domain_names" {
  description = "Host names of the distributions by service, for alias records."
  value       = { for service, it in aws_cloudfront_distribution.this : service => it.domain_name }
}

output "hosted_zone_ids" {
  description = "Hosted zones of these host names by service, for alias records."
  value       = { for service, it in aws_cloudfront_distribution.this : service => it.hosted_zone_id }
}

output "distribution_ids" {
  description = "Distributions by service, to invalidate what they cached."
  value       = { for service, it in aws_cloudfront_distribution.this : service => it.id }
}

output "bucket_names" {
  description = "Buckets of the files by service."
  value       = { for service, bucket in module.bucket : service => bucket.name }
}

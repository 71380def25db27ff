output "bucket_name" {
  description = "Name of the bucket for Terraform's state."
  value       = module.bucket.name
}

output "bucket_arn" {
  description = "ARN of the bucket for Terraform's state."
  value       = module.bucket.arn
}

output "table_name" {
  description = "Name of the table of what should stand (key: environment)."
  value       = module.table.name
}

output "table_arn" {
  description = "ARN of the table of what should stand."
  value       = module.table.arn
}

output "backend" {
  description = "Settings of the S3 backend, but for the key of each root's state and its region."
  value = {
    bucket       = module.bucket.name
    kms_key_id   = var.kms_key_arn
    encrypt      = true
    use_lockfile = true
  }
}

output "state_bucket" {
  description = "Bucket of Terraform's state: `bucket` in every backend.hcl."
  value       = module.state.bucket_name
}

output "standing_table" {
  description = "Table of what should stand; Fairway alone writes it."
  value       = module.state.table_name
}

output "state_bucket" {
  description = "Bucket of Terraform's state: `bucket` in every backend.hcl."
  value       = module.state.bucket_name
}

output "standing_table" {
  description = "Table of what should stand; Fairway alone writes it."
  value       = module.state.table_name
}

output "ci_roles" {
  description = "Roles of the repository's workflows: one that plans, one that deploys; null without a repository."
  value = var.repository == null ? null : {
    plan   = module.cicd[0].plan_role_arn
    deploy = module.cicd[0].deploy_role_arn
  }
}

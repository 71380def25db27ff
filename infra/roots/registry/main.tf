# Where the images of an environment are. They are named by digest when they run, so nothing here is ever overwritten.

locals {
  repositories = [for repository in var.repositories : "${var.name}/${repository}"]
}

module "key" {
  source = "../../modules/kms"

  name        = "${var.name}-images"
  description = "Images of ${var.name}"
  account_via = ["ecr.${var.region}.amazonaws.com"]
}

module "registry" {
  source = "../../modules/ecr"

  repositories    = local.repositories
  replica_regions = var.replica_regions
  writers         = var.writers
  kms_key_arn     = module.key.key_arn
  keep            = var.keep
  force_delete    = !var.protect

  # Replication makes a repository that it finds missing: with tags that can be moved, and without scans.
  depends_on = [module.second, module.third]
}

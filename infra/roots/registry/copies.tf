# The same repositories in the other regions, there before an image is copied to them. A template for what replication
# makes would not do: it says nothing of scans. A block for each region: `for_each` cannot choose a provider.

module "second_key" {
  source = "../../modules/kms"
  count  = length(var.replica_regions) > 0 ? 1 : 0

  name        = "${var.name}-images"
  description = "Copies of images of ${var.name}"
  account_via = ["ecr.${var.replica_regions[0]}.amazonaws.com"]

  providers = { aws = aws.second }
}

module "second" {
  source = "../../modules/ecr"
  count  = length(var.replica_regions) > 0 ? 1 : 0

  repositories = local.repositories
  writers      = var.writers
  kms_key_arn  = module.second_key[0].key_arn
  keep         = var.keep
  force_delete = !var.protect

  providers = { aws = aws.second }
}

module "third_key" {
  source = "../../modules/kms"
  count  = length(var.replica_regions) > 1 ? 1 : 0

  name        = "${var.name}-images"
  description = "Copies of images of ${var.name}"
  account_via = ["ecr.${var.replica_regions[1]}.amazonaws.com"]

  providers = { aws = aws.third }
}

module "third" {
  source = "../../modules/ecr"
  count  = length(var.replica_regions) > 1 ? 1 : 0

  repositories = local.repositories
  writers      = var.writers
  kms_key_arn  = module.third_key[0].key_arn
  keep         = var.keep
  force_delete = !var.protect

  providers = { aws = aws.third }
}

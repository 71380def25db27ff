# Work on any account but the environment's own is refused.
provider "aws" {
  region              = var.region
  allowed_account_ids = var.account[*]

  default_tags {
    tags = {
      app         = var.app
      environment = var.environment
      managed-by  = "fairway"
      fairway     = var.name
    }
  }
}

# Work on any account but the environment's own is refused.

locals {
  tags = {
    app         = var.app
    environment = var.environment
    managed-by  = "fairway"
    fairway     = var.name
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = var.account[*]

  default_tags {
    tags = local.tags
  }
}

# Where copies are. In an environment without such a region nothing is made by these.

provider "aws" {
  alias               = "second"
  region              = try(var.replica_regions[0], var.region)
  allowed_account_ids = var.account[*]

  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias               = "third"
  region              = try(var.replica_regions[1], var.region)
  allowed_account_ids = var.account[*]

  default_tags {
    tags = local.tags
  }
}

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

# Where copies are. In an environment without such a region nothing is made by these, and they look where it has
# nothing: copies in a region that was removed are called like the images that are left, and are deleted by name.

locals {
  elsewhere = tolist(setsubtract(
    ["eu-west-1", "us-east-1", "us-east-2", "us-west-2"],
    concat([var.region], var.replica_regions),
  ))[0]
}

provider "aws" {
  alias               = "second"
  region              = try(var.replica_regions[0], local.elsewhere)
  allowed_account_ids = var.account[*]

  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias               = "third"
  region              = try(var.replica_regions[1], local.elsewhere)
  allowed_account_ids = var.account[*]

  default_tags {
    tags = local.tags
  }
}

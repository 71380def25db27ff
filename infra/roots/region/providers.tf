# Work on any account but the environment's own is refused.

provider "aws" {
  region              = var.region
  allowed_account_ids = var.account[*]

  default_tags {
    tags = local.tags
  }
}

# Certificates for CloudFront exist in this region only.
provider "aws" {
  alias               = "us_east_1"
  region              = "us-east-1"
  allowed_account_ids = var.account[*]

  default_tags {
    tags = local.tags
  }
}

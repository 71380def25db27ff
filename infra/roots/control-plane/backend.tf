# State is in the bucket that the root `account` makes; backend.hcl says which. The bucket encrypts with its own key.
#
#   terraform init -backend-config=backend.hcl

terraform {
  backend "s3" {
    use_lockfile = true
  }
}

# State is in the bucket that the root `account` made. Its name is in backend.hcl:
#
#   terraform init -backend-config=backend.hcl

terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

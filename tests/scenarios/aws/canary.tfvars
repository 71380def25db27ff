# === eu-central-1/app.auto.tfvars
# shop, environment prod, eu-central-1
# Computed by Fairway from the app file: change that, not this.

app           = "shop"
environment   = "prod"
name          = "shop-prod"
region        = "eu-central-1"
second_region = "eu-west-1"
account       = "123456789012"

# aws.network of the app file; region 1 of 2 has the first block.
network = { cidr = "10.0.0.0/16" }

# Public services answer here.
domain = "shop.example.com"

# Its sidecar has this tag in the registry.
fairway_version = "0.1.0"
log_retention   = 90
spot_percent    = 50

# The control plane sets secrets and renews the authority of the mesh.
operators = ["shop-prod-server-task-eu-central-1"]

# === eu-central-1/services.auto.tfvars
# shop, environment prod, eu-central-1
# Computed by Fairway from the app file: change that, not this.

services = {
  # services.stock of the app file
  stock = {
    port         = 9000
    health       = { path = "/health" }
    stop_timeout = 30
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu    = 512
    memory = 1024
    versions = {
      r1 = { replicas = 1 }
    }
  }

  # services.web of the app file
  web = {
    public = true
    health = { path = "/healthz", interval = 10, start = 120 }
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu    = 512
    memory = 1024
    scale = {
      min      = 2
      max      = 8
      cpu      = 60
      requests = 50
      schedule = [
        {
          name     = "0730-mon-tue-wed-thu-fri"
          cron     = "30 7 ? * MON,TUE,WED,THU,FRI *"
          timezone = "Europe/Berlin"
          min      = 4
          max      = 8
        },
        { name = "2000-daily", cron = "0 20 * * ? *", timezone = "Europe/Berlin", min = 1, max = 4 },
      ]
    }
    calls   = ["stock"]
    secrets = ["API_KEY", "NEW_KEY"]
    versions = {
      r7 = {
        image    = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop-prod/web@sha256:aa"
        replicas = 3
        secrets  = ["API_KEY"]
      }
      r8 = {
        image       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop-prod/web@sha256:bb"
        replicas    = 1
        slot        = "b"
        environment = { MODE = "new" }
        cpu         = 2048
        memory      = 4096
      }
    }
  }
}

# aws.rotation of the app file: these secrets are renewed by themselves.
rotation      = { API_KEY = "random" }
rotation_days = 7

# === eu-central-1/edge.auto.tfvars
# shop, environment prod, eu-central-1
# Computed by Fairway from the app file: change that, not this.

public_load_balancer = "shop-prod-public"
health_path          = "/healthz"

# The Envoys behind it open the public routes of the app file.
gateway = { target_group = "shop-prod-gateway-a" }

# === eu-west-1/app.auto.tfvars
# shop, environment prod, eu-west-1
# Computed by Fairway from the app file: change that, not this.

app         = "shop"
environment = "prod"
name        = "shop-prod"
region      = "eu-west-1"
role        = "secondary"
lead_region = "eu-central-1"
account     = "123456789012"

# aws.network of the app file; region 2 of 2 has the second block.
network = { cidr = "10.1.0.0/16" }

# Public services answer here.
domain = "shop.example.com"

# Its sidecar has this tag in the registry.
fairway_version = "0.1.0"
log_retention   = 90
spot_percent    = 50

# The control plane sets secrets and renews the authority of the mesh.
operators = ["shop-prod-server-task-eu-central-1"]

# === eu-west-1/services.auto.tfvars
# shop, environment prod, eu-west-1
# Computed by Fairway from the app file: change that, not this.

services = {
  # services.stock of the app file
  stock = {
    port         = 9000
    health       = { path = "/health" }
    stop_timeout = 30
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu    = 512
    memory = 1024
    versions = {
      r1 = { replicas = 1 }
    }
  }

  # services.web of the app file
  web = {
    public = true
    health = { path = "/healthz", interval = 10, start = 120 }
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu    = 512
    memory = 1024
    scale = {
      min      = 2
      max      = 8
      cpu      = 60
      requests = 50
      schedule = [
        {
          name     = "0730-mon-tue-wed-thu-fri"
          cron     = "30 7 ? * MON,TUE,WED,THU,FRI *"
          timezone = "Europe/Berlin"
          min      = 4
          max      = 8
        },
        { name = "2000-daily", cron = "0 20 * * ? *", timezone = "Europe/Berlin", min = 1, max = 4 },
      ]
    }
    calls   = ["stock"]
    secrets = ["API_KEY", "NEW_KEY"]
    versions = {
      r7 = {
        image    = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop-prod/web@sha256:aa"
        replicas = 3
        secrets  = ["API_KEY"]
      }
      r8 = {
        image       = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop-prod/web@sha256:bb"
        replicas    = 1
        slot        = "b"
        environment = { MODE = "new" }
        cpu         = 2048
        memory      = 4096
      }
    }
  }
}

# aws.rotation of the app file: these secrets are renewed by themselves.
rotation      = { API_KEY = "random" }
rotation_days = 7

# === eu-west-1/edge.auto.tfvars
# shop, environment prod, eu-west-1
# Computed by Fairway from the app file: change that, not this.

public_load_balancer = "shop-prod-public"
health_path          = "/healthz"

# The Envoys behind it open the public routes of the app file.
gateway = { target_group = "shop-prod-gateway-a" }

# === us-east-1/app.auto.tfvars
# shop, environment prod, us-east-1
# Computed by Fairway from the app file: change that, not this.

app           = "shop"
environment   = "prod"
name          = "shop-prod"
region        = "us-east-1"
second_region = "eu-west-1"

# aws.network of the app file; region 1 of 2 has the first block.
network = { cidr = "10.8.0.0/18", zones = 2, nat = "single" }

# Public services answer here.
domain      = "shop.example.com"
hosted_zone = "example.com"
waf         = false

# Its sidecar has this tag in the registry.
fairway_version = "0.1.0"
otlp            = "https://otel.example.com"

# The control plane sets secrets and renews the authority of the mesh.
# So do the roles under aws.operators of the app file.
operators = [
  "shop-prod-server-task-us-east-1",
  "aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Deploy_0123",
]

# === us-east-1/services.auto.tfvars
# shop, environment prod, us-east-1
# Computed by Fairway from the app file: change that, not this.

services = {
  # services.legacy of the app file
  legacy = {
    public = true
    mesh   = false
    target_groups = {
      a = "shop-prod-legacy-a"
      b = "shop-prod-legacy-b"
      c = "shop-prod-legacy-c"
      d = "shop-prod-legacy-d"
      e = "shop-prod-legacy-e"
    }
    health = { path = "/up" }
    # 0.25 vCPU and 512 MiB of its own, the collector: the next size of Fargate
    cpu    = 512
    memory = 1024
    versions = {
      r1 = { image = "legacy:3", replicas = 1 }
    }
  }

  # services.mail of the app file
  mail = {
    kind = "worker"
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu        = 512
    memory     = 1024
    scale      = { min = 1, max = 5, queue = 20 }
    subscribes = ["ordered"]
    versions = {
      r1 = { replicas = 1 }
    }
  }

  # services.web of the app file
  web = {
    public = true
    health = { path = "/health" }
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu       = 512
    memory    = 1024
    calls     = ["legacy"]
    stores    = ["orders", "carts", "files", "visits"]
    publishes = ["ordered"]
    versions = {
      r1 = { replicas = 1 }
    }
  }
}

# === us-east-1/data.auto.tfvars
# shop, environment prod, us-east-1
# Computed by Fairway from the app file: change that, not this.

databases = {
  orders = { engine_version = "16", instance_class = "db.r7g.large", storage_gib = 200, replicated = true }
}

caches = {
  carts = { multi_az = false }
}

buckets = {
  files = {}
}

tables = {
  visits = {}
}

topics = {
  ordered = { retention_seconds = 259200, publishers = ["web"], subscribers = ["mail"] }
}

# === us-east-1/edge.auto.tfvars
# shop, environment prod, us-east-1
# Computed by Fairway from the app file: change that, not this.

public_load_balancer = "shop-prod-public"
health_path          = "/health"

# The Envoys behind it open the public routes of the app file.
gateway = { target_group = "shop-prod-gateway-a" }

# Calls to services outside the mesh go through it.
internal_load_balancer = "shop-prod-internal"

# CloudFront serves them in all regions.
sites = {
  site = { hosts = ["www.shop.example.com"], folder = "/r1" }
}

# Services outside the mesh: load balancers divide their requests.
rules = {
  legacy = {
    public  = [{ path = "/legacy" }]
    weights = { a = 100, b = 0, c = 0, d = 0, e = 0 }
  }
}

# === us-east-1/observability.auto.tfvars
# shop, environment prod, us-east-1
# Computed by Fairway from the app file: change that, not this.

# slos of the app file; latencies in seconds.
slos = {
  web = { service = "web", availability = 99.9, p95 = 0.3, window_days = 7 }
}

alarm_emails = ["ops@example.com"]

# === eu-west-1/app.auto.tfvars
# shop, environment prod, eu-west-1
# Computed by Fairway from the app file: change that, not this.

app         = "shop"
environment = "prod"
name        = "shop-prod"
region      = "eu-west-1"
role        = "secondary"
lead_region = "us-east-1"

# aws.network of the app file; region 2 of 2 has the second block.
network = { cidr = "10.8.64.0/18", zones = 2, nat = "single" }

# Public services answer here.
domain      = "shop.example.com"
hosted_zone = "example.com"
waf         = false

# Its sidecar has this tag in the registry.
fairway_version = "0.1.0"
otlp            = "https://otel.example.com"

# The control plane sets secrets and renews the authority of the mesh.
# So do the roles under aws.operators of the app file.
operators = [
  "shop-prod-server-task-us-east-1",
  "aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Deploy_0123",
]

# === eu-west-1/services.auto.tfvars
# shop, environment prod, eu-west-1
# Computed by Fairway from the app file: change that, not this.

services = {
  # services.legacy of the app file
  legacy = {
    public = true
    mesh   = false
    target_groups = {
      a = "shop-prod-legacy-a"
      b = "shop-prod-legacy-b"
      c = "shop-prod-legacy-c"
      d = "shop-prod-legacy-d"
      e = "shop-prod-legacy-e"
    }
    health = { path = "/up" }
    # 0.25 vCPU and 512 MiB of its own, the collector: the next size of Fargate
    cpu    = 512
    memory = 1024
    versions = {
      r1 = { image = "legacy:3", replicas = 1 }
    }
  }

  # services.mail of the app file
  mail = {
    kind = "worker"
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu        = 512
    memory     = 1024
    scale      = { min = 1, max = 5, queue = 20 }
    subscribes = ["ordered"]
    versions = {
      r1 = { replicas = 1 }
    }
  }

  # services.web of the app file
  web = {
    public = true
    health = { path = "/health" }
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu       = 512
    memory    = 1024
    calls     = ["legacy"]
    stores    = ["orders", "carts", "files", "visits"]
    publishes = ["ordered"]
    versions = {
      r1 = { replicas = 1 }
    }
  }
}

# === eu-west-1/data.auto.tfvars
# shop, environment prod, eu-west-1
# Computed by Fairway from the app file: change that, not this.

databases = {
  orders = { engine_version = "16", instance_class = "db.r7g.large", storage_gib = 200, replica_of = "us-east-1" }
}

caches = {
  carts = { multi_az = false }
}

buckets = {
  files = {}
}

tables = {
  visits = {}
}

topics = {
  ordered = { retention_seconds = 259200, publishers = ["web"], subscribers = ["mail"] }
}

# === eu-west-1/edge.auto.tfvars
# shop, environment prod, eu-west-1
# Computed by Fairway from the app file: change that, not this.

public_load_balancer = "shop-prod-public"
health_path          = "/health"

# The Envoys behind it open the public routes of the app file.
gateway = { target_group = "shop-prod-gateway-a" }

# Calls to services outside the mesh go through it.
internal_load_balancer = "shop-prod-internal"

# Services outside the mesh: load balancers divide their requests.
rules = {
  legacy = {
    public  = [{ path = "/legacy" }]
    weights = { a = 100, b = 0, c = 0, d = 0, e = 0 }
  }
}

# === eu-west-1/observability.auto.tfvars
# shop, environment prod, eu-west-1
# Computed by Fairway from the app file: change that, not this.

# slos of the app file; latencies in seconds.
slos = {
  web = { service = "web", availability = 99.9, p95 = 0.3, window_days = 7 }
}

alarm_emails = ["ops@example.com"]

# === eu-central-1/app.auto.tfvars
# tick, environment prod, eu-central-1
# Computed by Fairway from the app file: change that, not this.

app         = "tick"
environment = "prod"
name        = "tick-prod"
region      = "eu-central-1"

# aws.network of the app file; region 1 of 1 has the first block.
network = { cidr = "10.0.0.0/16" }

# Its sidecar has this tag in the registry.
fairway_version = "0.1.0"

# The control plane sets secrets and renews the authority of the mesh.
operators = ["tick-prod-server-task-eu-central-1"]

# === eu-central-1/services.auto.tfvars
# tick, environment prod, eu-central-1
# Computed by Fairway from the app file: change that, not this.

services = {
  # services.clock of the app file
  clock = {
    kind = "worker"
    # 0.25 vCPU and 512 MiB of its own, its sidecar, the collector: the next size of Fargate
    cpu    = 512
    memory = 1024
    versions = {
      r1 = { image = "clock:1", replicas = 1 }
    }
  }
}

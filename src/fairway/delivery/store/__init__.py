"""What a delivery must not forget: releases, deployments, events, leases, evidence."""

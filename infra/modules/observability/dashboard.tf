# A row of widgets for every service, in the order of their names.

locals {
  # CloudWatch takes 500 widgets in a dashboard; a row has 7.
  services_per_dashboard = 70

  # The rest of a large app gets dashboards of its own: <name>, <name>-2, …
  dashboards = {
    for index, services in chunklist(sort(keys(var.services)), local.services_per_dashboard) :
    (index == 0 ? var.name : "${var.name}-${index + 1}") => services
  }

  # Found by search, so that versions which are gone stay in the picture.
  searches = {
    for service in keys(var.services) : service => join(" ", [
      "{${var.metric_namespace},App,Environment,Service,Version}",
      "App=\"${var.app}\" Environment=\"${var.environment}\" Service=\"${service}\"",
    ])
  }

  request_widgets = {
    requests = { metric = "Requests", stat = "Sum", title = "requests a minute" }
    errors   = { metric = "Errors", stat = "Sum", title = "failed requests a minute" }
    latency  = { metric = "Latency", stat = "p95", title = "latency, p95 (ms)" }
  }

  task_widgets = {
    cpu    = { namespace = "AWS/ECS", metric = "CPUUtilization", title = "cpu (%)" }
    memory = { namespace = "AWS/ECS", metric = "MemoryUtilization", title = "memory (%)" }
    tasks  = { namespace = "ECS/ContainerInsights", metric = "RunningTaskCount", title = "running tasks" }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  for_each = local.dashboards

  dashboard_name = each.key

  dashboard_body = jsonencode({
    widgets = flatten([
      for row, service in each.value : [
        {
          type   = "text"
          x      = 0
          y      = row * 7
          width  = 24
          height = 1
          properties = {
            markdown = "## ${service}"
          }
        },
        [
          for column, kind in ["requests", "errors", "latency"] : {
            type   = "metric"
            x      = column * 4
            y      = row * 7 + 1
            width  = 4
            height = 6
            properties = {
              title  = local.request_widgets[kind].title
              region = var.region
              view   = "timeSeries"
              period = 60
              yAxis  = { left = { min = 0 } }
              metrics = [[{
                id         = "found"
                label      = "$${PROP('Dim.Version')}"
                expression = "SEARCH('${local.searches[service]} MetricName=\"${local.request_widgets[kind].metric}\"', '${local.request_widgets[kind].stat}', 60)"
              }]]
            }
          }
        ],
        [
          for column, kind in ["cpu", "memory", "tasks"] : {
            type   = "metric"
            x      = 12 + column * 4
            y      = row * 7 + 1
            width  = 4
            height = 6
            properties = {
              title  = local.task_widgets[kind].title
              region = var.region
              view   = "timeSeries"
              stat   = "Average"
              period = 60
              yAxis  = { left = { min = 0 } }
              metrics = [
                for version, ecs_service in var.services[service].versions : [
                  local.task_widgets[kind].namespace,
                  local.task_widgets[kind].metric,
                  "ClusterName", var.services[service].cluster,
                  "ServiceName", ecs_service,
                  { label = version },
                ]
              ]
            }
          }
        ],
      ]
    ])
  })
}

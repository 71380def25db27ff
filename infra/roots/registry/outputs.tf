output "repository_urls" {
  description = "Where images are pushed, by name of the repository."
  value       = module.registry.repository_urls
}

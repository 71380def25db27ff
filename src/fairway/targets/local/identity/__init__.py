"""Who is who locally: certificates of the mesh and signing keys of the library."""

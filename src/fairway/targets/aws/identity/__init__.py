"""Who is who on AWS: the certificate of the authority, and the keys that sign calls."""

"""Everything about the Docker Engine.  Nothing here depends on gRPC."""

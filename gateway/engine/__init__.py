"""Everything that knows the Docker Engine, and nothing of gRPC."""

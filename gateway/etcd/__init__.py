"""A client of etcd, version 3, over gRPC."""

"""Writes the endpoints of services to catalogs: etcd and Consul."""

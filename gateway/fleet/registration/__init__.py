"""Writes where services can be reached into catalogs: etcd and Consul."""

"""HTTP/1.1 to one engine: a pool of connections over a unix socket, TCP, TLS or ssh."""

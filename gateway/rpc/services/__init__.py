"""What gRPC sees: the mirror of all bound RPCs, and one module per service that speaks for itself."""

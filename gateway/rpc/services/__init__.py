"""The services with code of their own.  The mirror serves all other RPCs."""

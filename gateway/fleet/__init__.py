"""The hosts that the gateway knows, their health, and the calls to many of them."""

"""The hosts that the gateway knows, and what it knows of them."""

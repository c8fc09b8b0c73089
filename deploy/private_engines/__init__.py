"""Docker engines of their own on this machine, for the demo and the tests."""

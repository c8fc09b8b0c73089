"""Running dockfleet: the demo, and private engines for it and for the tests."""

"""Generated code of the contract `dockfleet.v1`."""

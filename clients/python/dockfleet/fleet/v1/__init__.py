"""Generated code of the contract `dockfleet.fleet.v1`."""

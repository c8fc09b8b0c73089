"""Generated code of the contract `dockfleet.options.v1`."""

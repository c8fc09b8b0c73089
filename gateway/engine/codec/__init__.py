"""Between messages of the contract and what an engine sends: bindings, JSON, frames, streams."""

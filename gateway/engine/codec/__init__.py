"""Converts between messages of the contract and the data of engines: bindings, JSON, frames, streams."""

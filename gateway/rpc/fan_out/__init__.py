"""The fan-out: RPCs of FleetService that call an RPC of one host for each host or container (the option `fan_out`).

Everything else comes from the descriptors.  An RPC that only reads is a question; every other RPC is a batch.  A
request with `containers` selects containers.  A new fan-out RPC needs no code here.
"""

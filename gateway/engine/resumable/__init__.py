"""The parts that logs, events and stats share.

A `Shared` upstream writes records into a `Journal`.  When it fails, its `Retry` says whether it is opened again.  Each
subscriber reads the journal through its own `Subscription`.  A `TokenCodec` makes resume tokens of cursors.  No code
here depends on the kind of the records.
"""

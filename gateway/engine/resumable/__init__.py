"""What all resumable streams share: logs, events and stats are the same machine with different parts.

A `Shared` upstream writes records into a `Journal`, and tries again as its `Retry` says.  Each of its subscribers reads
the journal through a `Subscription` of its own.  A `TokenCodec` makes cursors tokens.  Nothing here knows what the
records are.
"""

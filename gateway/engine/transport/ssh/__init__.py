"""Engines that are reached by ssh: one login for each host, and a stream of it for each connection.

`login.py` decides when to log in; `client.py` does it, and is imported only then: asyncssh costs half a second of CPU.
"""

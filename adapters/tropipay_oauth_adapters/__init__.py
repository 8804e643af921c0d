"""Everything that touches the world: sockets, TLS, clocks, threads and event loops, each adapter a thin layer on the engine.

    from tropipay_oauth_adapters.sync import TropiPayClient        # threads and plain sockets
    from tropipay_oauth_adapters.asyncio import TropiPayClient     # asyncio
    from tropipay_oauth_adapters.trio import TropiPayClient        # trio

Nothing is imported here, so that nobody pays for a runtime that is not used.
"""

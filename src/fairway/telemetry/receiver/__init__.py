"""The receiver: a process of its own that takes telemetry in and stores it.

    http.py, grpc.py     OTLP from services and Envoys, on two ports
    reception.py         parses, queues and forwards a request, or refuses it
    pipeline.py          one thread that owns the store: writes requests, reads logs, commits
    log_folder.py        follows every log file; access lines become requests
    process_metrics.py   what the running processes use
    forwarding.py        sends what came to another endpoint as well
    main.py              all of it together, from start to SIGTERM

It is started as `python -m fairway.telemetry.receiver CONFIG.json`. It guarantees that no service
ever waits for the store: beyond its capacity it refuses at once, and counts what it refused.
"""

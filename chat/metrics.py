"""Figures for whoever watches the bot: counted here, read by Prometheus where `METRICS_ADDRESS` says."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from chat.answers import Outcome


class Metrics:
    """The bot's figures in a registry of their own. They name models and outcomes, never people or words."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._replies = Counter("bot_replies", "Replies by how they ended", ["state"], registry=self.registry)
        self._tokens = Counter("bot_tokens", "Tokens by model and kind", ["model", "kind"], registry=self.registry)
        self._seconds = Histogram(
            "bot_reply_seconds",
            "Seconds from the question to the end of its reply",
            buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300),
            registry=self.registry,
        )
        self.waiting = Gauge("bot_waiting", "Conversations that wait for a slot", registry=self.registry)

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """Count a reply."""
        self._replies.labels(outcome.state).inc()
        self._seconds.observe(seconds)
        if outcome.model is not None:
            self._tokens.labels(outcome.model, "prompt").inc(outcome.prompt_tokens)
            self._tokens.labels(outcome.model, "completion").inc(outcome.completion_tokens)

    def serve(self, address: str) -> Callable[[], None]:
        """Answer Prometheus on `host:port`; returns what stops that."""
        host, _, port = address.rpartition(":")
        server, thread = start_http_server(int(port), addr=host, registry=self.registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop

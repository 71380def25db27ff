"""WHO IS TOLD: from the events of an environment to webhooks, chat and an event bus."""

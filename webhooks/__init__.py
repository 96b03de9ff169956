"""Telling customers' systems: endpoints, the outbox, and the attempts."""

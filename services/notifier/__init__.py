"""Notifier: tells people what happened, through signed webhooks and its log."""

"""Expressions of interest: taken in a conversation, kept, delivered and followed up."""

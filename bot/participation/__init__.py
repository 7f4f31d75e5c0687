"""Expressions of interest from businesses: taken in a conversation, kept, delivered, followed up."""

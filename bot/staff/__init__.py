"""Pages for staff under /personal: signing in, and expressions of interest."""

"""Models: routes from a MODEL string to something that answers."""

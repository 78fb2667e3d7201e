"""Version of the plugin interfaces, kept here too because `mmx.interfaces` imports torch."""

API = 2  # equals mmx.interfaces.API; a test compares them
ACCEPTED = (API, API - 1)  # a plugin has one version of mmx to follow a change of the interfaces

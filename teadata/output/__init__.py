"""How things are shown: text made harmless, tables of any width, objects in a session, pace."""

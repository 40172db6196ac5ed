"""A board: submissions that are checked and kept, and a static site that ranks them.

A submission is a folder with ``submission.yaml`` and the files that it names.  A board is a folder
of entries, each under the SHA-256 of what was submitted.  No server is needed.
"""

"""Extended XYZ: frames as text.

A file is cut into parts of whole frames (:mod:`parts`), and each part is read at once
(:mod:`bulk`) where its frames are regular, or frame by frame (:mod:`careful`), which also finds
the line that is wrong.  Both ways give the same numbers.
"""

"""Files on object stores, ``s3://bucket/key`` and what else fsspec knows, read and never written.

Every byte is fetched once, and the SHA-256 is computed on the way: a file goes to a temporary copy,
a folder of Zarr is read chunk by chunk.  Secrets in an address are in no message and no record.
"""

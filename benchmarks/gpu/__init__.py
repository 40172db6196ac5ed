"""What is to be done on a GPU, in pieces of under ten minutes: ``python -m benchmarks.gpu``.

Each piece is a process of its own with a limit; what it finds is kept in a JSON file at once, and
docs/gpu.md has a row of it.  A piece that fails loses only itself, and one that is done is not
done again.
"""

"""The shape of a document and its own tests; the checks of its vocabulary."""

"""The stand-ins of the external systems, for trials and tests; sandbox and shopapp never import each other."""

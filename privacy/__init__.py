"""Privacy: identifiers, detectors, masking. Importing this package registers its probes."""

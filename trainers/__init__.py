"""Programs that train, score and sample: flags and configs around the library."""

"""One Python file a run: get_config() returns its ml_collections.ConfigDict."""

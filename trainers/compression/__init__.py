"""Parts of the programs `trainers.compress` and `trainers.decompress`."""

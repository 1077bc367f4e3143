"""Parts of all training programs: config, data, folder, training, results."""

"""Several models trained under one budget, and the table of what came of it."""

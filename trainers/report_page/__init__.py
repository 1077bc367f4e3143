"""The page of a run: `page.write_page`."""

"""One page of HTML that shows a run: `page.write_page`."""

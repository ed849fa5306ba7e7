"""The developer's side: what starts, tries and shows the program on one machine; shopapp never sees it."""

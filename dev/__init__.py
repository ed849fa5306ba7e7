"""Developer tools that start, try out and show the app on one machine; `shopapp` never imports them."""

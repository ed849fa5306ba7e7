"""The developer's tools: they start, try and show the app on one machine; `shopapp` never imports them."""

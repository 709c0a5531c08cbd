"""The playground's page: a session for each open page, and what the page may ask of it."""

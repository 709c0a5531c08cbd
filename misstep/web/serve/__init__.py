"""A model served to programs: its routes, its OpenAPI document, the page that shows both."""

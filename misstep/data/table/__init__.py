"""Tables: reading, what each column is, and how columns become numbers."""

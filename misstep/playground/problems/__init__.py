"""What can be learned in the playground: toy problems, a file each, and a person's own table."""

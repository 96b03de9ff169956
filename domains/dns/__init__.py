"""What the DNS says, and what it means for a record."""

"""Model files on the host: opened, asked, packed, counted."""

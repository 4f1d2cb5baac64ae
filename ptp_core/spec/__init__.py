"""What a user may write in a study: one module a section, each field with its unit and its role in identity."""

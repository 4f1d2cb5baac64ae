"""The lock of a study: writing it, comparing it, and running nothing that it does not say."""

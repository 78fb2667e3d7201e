"""A package for API 1 as it was published, which is read here and never changed."""

collect_ignore = ["mmx-mutan"]

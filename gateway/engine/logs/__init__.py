"""The log of a container: reads it, follows it to its end, shares it, and resumes at any entry."""

"""Where hosts come from: sources, and how they become one fleet."""

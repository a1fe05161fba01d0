"""The lives of experiments as events, in each column of the specification's tables, and messaging's own records."""

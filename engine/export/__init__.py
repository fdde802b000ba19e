"""Documents as programs of other libraries."""

"""The HTTP side of the simulator: routes, forms, filters, paging, errors and the rate limit of the API."""

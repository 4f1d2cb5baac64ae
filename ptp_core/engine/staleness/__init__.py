"""Why a result has to be made, what it was before, and what making it costs."""

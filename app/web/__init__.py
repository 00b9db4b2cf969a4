"""The page: a server of translations, and what a browser shows of them."""

"""Web page for translating sentences, and the server that translates them."""

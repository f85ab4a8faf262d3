"""The pages, as browsers and attackers see them."""

"""Mail that leaves: composed, delivered, settled; notices to agents."""

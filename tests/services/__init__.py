"""Real services for tests, each started privately and stopped again; no mocks, no product code."""

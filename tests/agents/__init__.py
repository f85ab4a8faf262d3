"""Our own people, told by mail and answering by mail."""

"""One letter's account, thread and team: the picture, the decision, its effects."""

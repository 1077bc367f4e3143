"""What the models share: verbs, conditions, checks and sampling."""

"""The classifier: asked, taught, compared, promoted."""

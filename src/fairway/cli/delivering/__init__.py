"""What the delivery commands share: the way to an environment's delivery, and how it is shown."""

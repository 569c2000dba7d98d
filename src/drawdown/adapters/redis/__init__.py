"""Redis behind the Cache port."""

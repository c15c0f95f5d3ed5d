"""What docs/make_card.py and docs/make_failures.py are made of."""

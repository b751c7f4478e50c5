"""Validator: the attester's side. Evaluates proposals again and votes on them."""

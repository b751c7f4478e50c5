"""Validator: the attester's service. Evaluates proposals again and votes on them."""

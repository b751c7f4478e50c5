"""Performer: evaluates in the attempts of its operator and proposes the evaluation."""

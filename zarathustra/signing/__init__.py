"""Keys, signatures and the vote log that keeps an operator from voting twice."""

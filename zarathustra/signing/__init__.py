"""Keys, signatures and the vote log that prevents an operator from voting twice."""

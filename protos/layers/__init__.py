"""What writes the typed layers of the clients: the model of the contract, and a file of templates per language."""

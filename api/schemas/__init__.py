"""What each contract's requests and answers hold: one module a contract, from which its document is made."""

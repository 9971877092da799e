"""The actions of decisions and their receipts."""

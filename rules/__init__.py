"""The language: rule documents, facts and decisions. Pure; see README.md in this folder."""

"""Facts, compiled policies, the reference evaluator and the actions of a decision."""

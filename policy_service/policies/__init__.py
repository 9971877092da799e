"""The versions of a workspace's policy: proposal, approval, activation, guardrails, reports."""

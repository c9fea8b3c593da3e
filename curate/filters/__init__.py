"""`where:`, the filters that people write: parsed and compared, never executed."""

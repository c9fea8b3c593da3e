"""The metrics, in mir_eval's shape: conventions, `validate`, pure functions, `evaluate`."""

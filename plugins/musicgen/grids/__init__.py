"""Grids: many experiments by one command, `dora grid NAME`; each file here is one.

`dora grid NAME --dry_run --no_monitoring` shows what would run. Dora hands experiments to Slurm.
On a machine without Slurm,

    dora grid NAME --dry_run --no_monitoring --init

writes their settings down, `dora run -f SIG` runs one of them, and `dora grid NAME --dry_run`
shows how far all are.
"""
